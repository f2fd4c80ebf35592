from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from service.access.credentials import ANYONE, Credential, hash_token
from service.access.tokens import entry, watch
from service.api import guard as guard_module
from service.api.guard import Guard, check_model, within
from service.core.errors import ModelNotFound, NotAllowed, ServiceError, Unauthenticated
from service.core.streams import Mode, OpenRequest

SECRET = "secret"
ROBOT = Credential("robot", hash_token(SECRET), "plant", ("a-*",))
BEARER = (("authorization", f"Bearer {SECRET}"),)


class Call:
    ended: ServiceError | None = None

    def end(self, error: ServiceError) -> None:
        self.ended = error


class File:
    """A file of credentials."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hold(ROBOT)

    def hold(self, *credentials: Credential) -> None:
        self.path.write_text("".join(map(entry, credentials)))
        self.path.chmod(0o600)


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "tokens.toml")


@pytest.fixture
def guard(file: File) -> Guard:
    return Guard(watch(file.path))


@pytest.mark.parametrize("metadata", [None, (), BEARER])
def test_without_credentials_everyone_is_anyone(
    metadata: tuple[tuple[str, str], ...] | None,
) -> None:
    assert Guard().caller(metadata) is ANYONE


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_caller_is_known_by_its_token(guard: Guard, scheme: str) -> None:
    metadata = (("user-agent", "x"), ("authorization", f"{scheme} {SECRET}"))
    assert guard.caller(metadata) == ROBOT


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "asks for a credential"),
        ((), "asks for a credential"),
        ((("authorization", ""),), "asks for a credential"),
        ((("authorization", SECRET),), "asks for a credential"),
        ((("authorization", f"Basic {SECRET}"),), "asks for a credential"),
        ((("authorization", b"Bearer secret"),), "asks for a credential"),
        ((*BEARER, *BEARER), "asks for a credential"),
        ((("authorization", "Bearer "),), "does not know"),
        ((("authorization", f"Bearer {SECRET}x"),), "does not know"),
        ((("authorization", f"Bearer {hash_token(SECRET).hex()}"),), "does not know"),
    ],
)
def test_without_a_known_token_there_is_no_caller(
    guard: Guard, metadata: tuple[tuple[str, str | bytes], ...] | None, message: str
) -> None:
    with pytest.raises(Unauthenticated, match=message):
        guard.caller(metadata)


def test_an_operator_is_named_as_one(guard: Guard, file: File) -> None:
    assert Guard().operator(None) is ANYONE
    with pytest.raises(Unauthenticated):
        guard.operator(None)
    with pytest.raises(NotAllowed, match="only an operator"):
        guard.operator(BEARER)
    file.hold(RENAMED)
    guard.refresh()
    assert guard.operator(BEARER) == RENAMED


def test_a_change_of_the_file_holds_for_the_next_call(guard: Guard, file: File) -> None:
    file.hold()
    assert guard.caller(BEARER) == ROBOT
    guard.refresh()
    with pytest.raises(Unauthenticated):
        guard.caller(BEARER)


MOVED = Credential("robot", ROBOT.token_hash, "elsewhere", ("*",))
NARROWED = Credential("robot", ROBOT.token_hash, "plant", ("b",))
RENAMED = Credential("other", ROBOT.token_hash, "plant", ("a-gru",), operator=True)


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        ((), Unauthenticated),
        ((MOVED,), Unauthenticated),
        ((NARROWED,), NotAllowed),
        ((RENAMED,), None),
    ],
)
def test_a_call_ends_when_its_caller_loses_the_right_to_it(
    guard: Guard,
    file: File,
    credentials: tuple[Credential, ...],
    expected: type[ServiceError] | None,
) -> None:
    call, gone = Call(), Call()
    with guard.watching(gone, ROBOT, "a-gru"):
        pass
    with guard.watching(call, ROBOT, "a-gru"):
        assert call.ended is None
        file.hold(*credentials)
        guard.refresh()
    assert type(call.ended) is (expected or type(None))
    assert gone.ended is None


def test_a_call_that_has_no_right_ends_as_it_begins(guard: Guard) -> None:
    call = Call()
    with guard.watching(call, ROBOT, "b"):
        assert isinstance(call.ended, NotAllowed)


async def test_the_file_is_kept_to_while_the_guard_watches(
    guard: Guard, file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_module, "REFRESH_SECONDS", 0.001)
    call = Call()
    watching = asyncio.create_task(guard.watch())
    with guard.watching(call, ROBOT, "a-gru"):
        file.hold()
        async with asyncio.timeout(10):
            while call.ended is None:
                await asyncio.sleep(0.001)
    watching.cancel()


def request(model: str, mode: Mode = Mode.CREATE) -> OpenRequest:
    return OpenRequest("s", bytes(16), mode, model, namespace="from the wire")


def test_the_namespace_is_the_callers() -> None:
    assert within(request("a-gru"), ROBOT, ["a-gru"]).namespace == "plant"
    assert within(request("", Mode.RESUME), ROBOT, []).namespace == "plant"
    assert within(request("any"), ANYONE, []).namespace == ""


def test_a_model_out_of_reach_is_one_that_does_not_exist() -> None:
    serving = ["a-gru", "a-lstm", "a-gru", "b"]
    said = []
    for model in ("b", "c", "a-c"):
        with pytest.raises(ModelNotFound) as refused:
            within(request(model), ROBOT, serving)
        said.append(str(refused.value).replace(repr(model), "?"))
    assert set(said) == {"there is no model ?, only a-gru, a-lstm"}
    for mode in (Mode.CREATE, Mode.RESTART):
        with pytest.raises(ModelNotFound, match="there is no model '', only a-gru, a-lstm"):
            within(request("", mode), ROBOT, serving)
    with pytest.raises(ModelNotFound, match="only none"):
        check_model("b", ROBOT, ["b"])
