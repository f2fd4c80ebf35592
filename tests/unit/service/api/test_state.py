from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, NoReturn

import grpc
import pytest

from service.access.credentials import Credential, hash_token
from service.access.tokens import entry, watch
from service.api.guard import Guard
from service.api.state import StreamState
from stepwire.v1 import state_pb2 as pb
from tests.fakes import TOKEN, number, request
from tests.outside import Alone
from tests.replicas import Session

CREDENTIALS = {
    "plant": Credential("plant", hash_token("plant"), "plant", ("*",)),
    "office": Credential("office", hash_token("office"), "office", ("*",)),
    "other": Credential("other", hash_token("other"), "plant", ("other-*",)),
}
IN_PLANT = dataclasses.replace(request("robot"), namespace="plant")


class Aborted(Exception):
    def __init__(self, code: grpc.StatusCode, details: str, name: str) -> None:
        super().__init__(code, details, name)
        self.name = name


class Context:
    """Of a call with a credential, or with none."""

    def __init__(self, credential: str = "") -> None:
        self._credential = credential

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self._credential}"),) if self._credential else ()

    async def abort(
        self, code: grpc.StatusCode, details: str, trailers: tuple[tuple[str, str], ...]
    ) -> NoReturn:
        raise Aborted(code, details, dict(trailers)["stepwire-error"])


def context(credential: str = "") -> Any:
    return Context(credential)


@pytest.fixture
def alone() -> Alone:
    return Alone()


@pytest.fixture
def api(alone: Alone) -> StreamState:
    return StreamState(alone.engine.states, Guard())


@pytest.fixture
def guarded(alone: Alone, tmp_path: Path) -> StreamState:
    path = tmp_path / "tokens.toml"
    path.write_text("".join(map(entry, CREDENTIALS.values())))
    path.chmod(0o600)
    return StreamState(alone.engine.states, Guard(watch(path)))


async def opened(alone: Alone, stream_id: str = "robot") -> Session:
    session = await alone.create(stream_id)
    await session.add(5.0)
    return session


async def test_a_state_says_all_that_a_put_takes(alone: Alone, api: StreamState) -> None:
    session = await opened(alone)
    got = await api.Get(pb.GetStateRequest(stream_id="robot", token=TOKEN), context())
    assert (got.model, got.version, got.digest, got.next_step) == ("accumulator", 1, "digest", 1)
    (tensor,) = got.states
    assert tensor == pb.StateTensor(name="sum", dtype="float32", shape=[1], data=number(5.0))
    await session.add(5.0)
    request = pb.PutStateRequest(
        stream_id="robot",
        token=TOKEN,
        states=got.states,
        next_step=0,
        digest=got.digest,
        numerics=got.numerics,
    )
    assert (await api.Put(request, context())).next_step == 0
    assert await (await alone.resume()).add(1.0) == 6.0


async def test_a_put_without_a_step_keeps_it(alone: Alone, api: StreamState) -> None:
    await opened(alone)
    state = pb.StateTensor(name="sum", data=number(0.0))
    request = pb.PutStateRequest(stream_id="robot", token=TOKEN, states=[state])
    assert (await api.Put(request, context())).next_step == 1


async def test_a_fork_gets_the_id_and_token_that_are_left_out(
    alone: Alone, api: StreamState
) -> None:
    await opened(alone)
    asked = pb.ForkStreamRequest(stream_id="robot", token=TOKEN)
    copy = await api.Fork(asked, context())
    assert (copy.model, copy.version, copy.next_step) == ("accumulator", 1, 1)
    assert copy.token != TOKEN
    await api.Delete(pb.DeleteStreamRequest(stream_id="robot", token=TOKEN), context())
    await api.Get(pb.GetStateRequest(stream_id=copy.stream_id, token=copy.token), context())
    asked = pb.ForkStreamRequest(stream_id=copy.stream_id, token=copy.token)
    asked.new_stream_id, asked.new_token = "named", TOKEN
    named = await api.Fork(asked, context())
    assert (named.stream_id, named.token) == ("named", TOKEN)


async def test_a_reset_stream_begins_again(alone: Alone, api: StreamState) -> None:
    await opened(alone)
    await api.Reset(pb.ResetStreamRequest(stream_id="robot", token=TOKEN), context())
    assert (await alone.resume()).opened.next_step == 0


async def test_an_error_ends_the_call_by_its_name(api: StreamState) -> None:
    with pytest.raises(Aborted) as ended:
        await api.Get(pb.GetStateRequest(stream_id="robot", token=TOKEN), context())
    assert ended.value.args == (
        grpc.StatusCode.NOT_FOUND,
        "there is no stream 'robot' with this token",
        "STREAM_NOT_FOUND",
    )


async def test_a_caller_sees_its_namespace_and_its_models(
    alone: Alone, guarded: StreamState
) -> None:
    await alone.open(IN_PLANT)
    get = pb.GetStateRequest(stream_id="robot", token=TOKEN)
    await guarded.Get(get, context("plant"))
    names = {}
    for credential in ("office", "other", "unknown", ""):
        with pytest.raises(Aborted) as ended:
            await guarded.Get(get, context(credential))
        names[credential] = ended.value.name
    assert names == {
        "office": "STREAM_NOT_FOUND",
        "other": "NOT_ALLOWED",
        "unknown": "UNAUTHENTICATED",
        "": "UNAUTHENTICATED",
    }
    listed = {
        credential: [
            each.stream_id
            for each in (await guarded.List(pb.ListStreamsRequest(), context(credential))).streams
        ]
        for credential in CREDENTIALS
    }
    assert listed == {"plant": ["robot"], "office": [], "other": []}


async def test_a_fork_stays_in_the_callers_namespace(alone: Alone, guarded: StreamState) -> None:
    await alone.open(IN_PLANT)
    fork = pb.ForkStreamRequest(stream_id="robot", token=TOKEN, new_stream_id="copy")
    copy = await guarded.Fork(fork, context("plant"))
    get = pb.GetStateRequest(stream_id="copy", token=copy.token)
    await guarded.Get(get, context("plant"))
    with pytest.raises(Aborted, match="STREAM_NOT_FOUND"):
        await guarded.Get(get, context("office"))


async def test_a_page_has_its_limit() -> None:
    alone = Alone(limit=2_000)
    api = StreamState(alone.engine.states, Guard())
    for number_ in range(1_001):
        await alone.create(f"{number_:04}")
    shown = {}
    for limit in (0, 3, 1_000, 2**32 - 1):
        page = await api.List(pb.ListStreamsRequest(limit=limit), context())
        shown[limit] = len(page.streams), page.after
    assert shown == {
        0: (100, "0099"),
        3: (3, "0002"),
        1_000: (1_000, "0999"),
        2**32 - 1: (1_000, "0999"),
    }
    last = await api.List(pb.ListStreamsRequest(after="0999"), context())
    assert [each.stream_id for each in last.streams] == ["1000"]
    assert last.after == ""


@pytest.mark.parametrize("place", ["attached", "detached"])
async def test_a_listing_says_where_a_stream_is(alone: Alone, api: StreamState, place: str) -> None:
    session = await opened(alone)
    if place == "detached":
        session.detach()
    (listed,) = (await api.List(pb.ListStreamsRequest(), context())).streams
    assert listed == pb.StreamSummary(
        stream_id="robot",
        model="accumulator",
        version=1,
        next_step=1,
        place=pb.StreamPlace.Value(f"STREAM_PLACE_{place.upper()}"),
    )
