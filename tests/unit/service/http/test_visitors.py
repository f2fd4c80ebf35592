from __future__ import annotations

from pathlib import Path

import pytest

from service.access.credentials import Credential, hash_token, make_token
from service.access.tokens import entry, watch
from service.console.view import Scope
from service.core.errors import NotAllowed, Unauthenticated
from service.http.visitors import Visitors, visitors_of
from service.settings import load
from service.startup import StartError

HERE = "127.0.0.1:8080"


def bearer(token: str) -> str:
    return f"Bearer {token}"


@pytest.mark.parametrize(
    "host", [HERE, "localhost:8080", "localhost", "[::1]:8080", "LOCALHOST:1", "10.0.0.7:80"]
)
def test_an_address_that_nobody_can_give_away_is_answered(host: str) -> None:
    assert Visitors("127.0.0.1").scope(host, None) == Scope()


@pytest.mark.parametrize(
    "host", ["evil.example:8080", "evil.example", "127.0.0.1.evil.example", ""]
)
def test_a_name_that_was_made_to_resolve_here_is_refused(host: str) -> None:
    with pytest.raises(NotAllowed, match="open it by the address"):
        Visitors("127.0.0.1").scope(host, None)


def test_the_name_that_the_port_listens_on_is_answered() -> None:
    assert Visitors("stepwire").scope("stepwire:8080", None) == Scope()


def guarded(path: Path, *credentials: Credential) -> Visitors:
    path.write_text("\n".join(map(entry, credentials)))
    path.chmod(0o600)
    return Visitors("127.0.0.1", watch(path))


def credential(token: str, *, operator: bool = False) -> Credential:
    return Credential("robot-7", hash_token(token), "plant", ("gru*",), operator)


def test_a_token_shows_its_models_and_its_namespace(tmp_path: Path) -> None:
    token = make_token()
    visitors = guarded(tmp_path / "tokens", credential(token))
    assert visitors.scope(HERE, bearer(token)) == Scope("plant", ("gru*",))
    assert visitors.scope("any.example", bearer(token)) == Scope("plant", ("gru*",))


def test_an_operator_sees_all(tmp_path: Path) -> None:
    token = make_token()
    visitors = guarded(tmp_path / "tokens", credential(token, operator=True))
    assert visitors.scope(HERE, bearer(token)) == Scope()


def test_without_a_known_token_there_is_nothing(tmp_path: Path) -> None:
    token = make_token()
    visitors = guarded(tmp_path / "tokens", credential(token))
    no_text = b"\xff\xfe".decode(errors="surrogateescape")
    wrong = (make_token(), f"{token}é", no_text)
    for said in (None, "", token, f"Basic {token}", "Bearer", *map(bearer, wrong)):
        with pytest.raises(Unauthenticated):
            visitors.scope(HERE, said)


def test_a_withdrawn_token_shows_nothing_from_then_on(tmp_path: Path) -> None:
    file, token, other = tmp_path / "tokens", make_token(), make_token()
    visitors = guarded(file, credential(token))
    visitors.scope(HERE, bearer(token))
    file.write_text(entry(credential(other)) + "\n")
    with pytest.raises(Unauthenticated):
        visitors.scope(HERE, bearer(token))
    assert visitors.scope(HERE, bearer(other)).namespace == "plant"


def test_there_are_visitors_where_there_is_a_page() -> None:
    here, there = {"http_listen": "127.0.0.1:0"}, {"http_listen": "0.0.0.0:0", "insecure": "true"}
    assert visitors_of(load({})) is None
    assert visitors_of(load(there)) is None
    assert visitors_of(load(here))
    assert visitors_of(load(there | {"console": "on"}))


def test_credentials_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    settings = load({"http_listen": "127.0.0.1:0", "tokens": str(tmp_path / "none")})
    with pytest.raises(StartError, match=r"tokens: .* cannot be read"):
        visitors_of(settings)
