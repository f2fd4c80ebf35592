from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.credentials import Credential, hash_token
from service.access.tokens import TokensError, entry, parse, read, watch

HASH = hash_token("secret")
NAMES = st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)

PATTERNS = st.from_regex(r"([A-Za-z0-9._*?-]|\[!?[A-Za-z0-9._]+\]){1,20}", fullmatch=True).filter(
    lambda pattern: len(pattern) <= 128
)


def lines(name: str = "a", digits: str = HASH.hex(), more: str = 'models = "*"') -> str:
    return f'[[credential]]\nname = "{name}"\ntoken_sha256 = "{digits}"\n{more}\n'


def test_a_credential_as_the_file_has_it() -> None:
    text = lines("robot", more='models = ["a-*", "b"]\nnamespace = "plant"\noperator = true')
    assert parse(text).find(HASH) == Credential("robot", HASH, "plant", ("a-*", "b"), True)


def test_what_is_left_out() -> None:
    assert parse(lines("robot")).find(HASH) == Credential("robot", HASH, "robot", ("*",), False)
    assert len(parse("")) == 0


def test_a_namespace_may_be_that_of_a_service_without_credentials() -> None:
    found = parse(lines(more='models = "*"\nnamespace = ""')).find(HASH)
    assert found and found.namespace == ""


def test_a_hash_is_read_in_upper_case_too() -> None:
    assert parse(lines(digits=HASH.hex().upper())).find(HASH)


@given(
    credential=st.builds(
        Credential,
        NAMES,
        st.binary(min_size=32, max_size=32),
        NAMES | st.just(""),
        st.lists(PATTERNS, max_size=3).map(tuple),
        st.booleans(),
    )
)
def test_what_is_written_is_read(credential: Credential) -> None:
    assert parse(entry(credential)).find(credential.token_hash) == credential


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x\ny = 1", "no TOML: .*line 1"),
        ("a = " + "[" * 2000, "no TOML: its lists are nested too deeply"),
        ("[[credentials]]", "credentials: there is no such key"),
        (lines(more='models = "*"\ntoken = "x"'), "credential.1.token: there is no such key"),
        (lines() + lines("", HASH.hex()), "credential.2.name: not 1 to 64 characters"),
        (lines("a b"), "credential.1.name: not 1 to 64 characters"),
        (lines(more='models = "*"\nnamespace = "a/b"'), "credential.1.namespace: not 1 to 64"),
        (lines(digits="secret"), "credential.1.token_sha256: not a SHA-256"),
        (lines(more=""), "credential.1.models: Field required"),
        (lines(more="models = 3"), "credential.1.models: "),
        (lines(more='models = ["a", "b c"]'), "credential.1.models: not patterns"),
        (lines(more='models = "[z-"'), "credential.1.models: not patterns"),
        (lines(more='models = "a[z-a]"'), "credential.1.models: not patterns"),
        (lines(more='models = "a]"'), "credential.1.models: not patterns"),
        (lines(more=f'models = "{129 * "a"}"'), "credential.1.models: not patterns"),
        (lines(more='models = "*"\noperator = "yes"'), "credential.1.operator: "),
        (lines() + lines(digits=64 * "0"), "credentials 1 and 2 have the same name"),
        (lines() + lines("b"), "credentials 1 and 2 have the same token_sha256"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(TokensError, match=message):
        parse(text)


def test_a_token_in_the_wrong_place_is_not_repeated() -> None:
    with pytest.raises(TokensError) as refused:
        parse(lines(digits="my-secret-token"))
    assert "my-secret-token" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokensError, match="tokens: .*nowhere cannot be read: No such file"):
        watch(tmp_path / "nowhere")
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(TokensError, match="binary cannot be read: it is no UTF-8"):
        read(tmp_path / "binary")
    (tmp_path / "wrong").write_text("x")
    with pytest.raises(TokensError, match="tokens: .*wrong: no TOML"):
        read(tmp_path / "wrong")


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_file_that_everyone_may_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text(lines())
    file.chmod(mode)
    with caplog.at_level(logging.WARNING):
        read(file)
    assert ("every user may read" in caplog.text) is warned
