from __future__ import annotations

import hashlib

import pytest

from service.access.credentials import ANYONE, Credential, Credentials, hash_token, make_token


def test_a_credential_is_found_by_the_hash_of_its_token() -> None:
    tokens = [make_token() for _ in range(3)]
    known = [Credential(token[:4], hash_token(token), "", ("*",)) for token in tokens[:2]]
    credentials = Credentials(known)
    assert len(credentials) == 2
    assert [credentials.find(hash_token(token)) for token in tokens] == [*known, None]


def test_a_token_is_hashed_as_a_shell_would() -> None:
    # printf %s secret | sha256sum
    assert hash_token("secret").hex() == (
        "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    )
    assert hash_token("é") == hashlib.sha256("é".encode()).digest()


def test_tokens_are_long_and_never_the_same() -> None:
    made = {make_token() for _ in range(100)}
    assert len(made) == 100 and {len(token) for token in made} == {43}


@pytest.mark.parametrize(
    ("patterns", "covered", "not_covered"),
    [
        (("*",), ("pendulum-gru", "x"), ()),
        (("pendulum-*", "sine"), ("pendulum-gru", "sine"), ("Pendulum-gru", "sine2", "a-sine")),
        (("v[12]",), ("v1", "v2"), ("v3", "v[12]")),
        ((), (), ("x",)),
    ],
)
def test_models_are_covered_by_pattern(
    patterns: tuple[str, ...], covered: tuple[str, ...], not_covered: tuple[str, ...]
) -> None:
    credential = Credential("a", b"", "a", patterns)
    assert all(credential.covers(model) for model in covered)
    assert not any(credential.covers(model) for model in not_covered)
    assert credential.covers_all is (patterns == ("*",))


def test_without_credentials_anyone_may_do_anything() -> None:
    assert ANYONE.covers("any") and ANYONE.operator and ANYONE.namespace == ""


def test_a_credential_does_not_show_its_hash() -> None:
    secret = hash_token("secret")
    assert repr(secret) not in repr(Credential("a", secret, "", ("*",)))
