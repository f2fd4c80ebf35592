"""States read, set, copied and moved between real servers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

import stepwire
import stepwire.sync
from service.core.model import Array
from stepwire.v1 import stream_pb2 as pb
from tests import networks
from tests.e2e.conftest import Start
from tests.e2e.wire import TOKEN, raw_call
from torture.processes import Server, running

OTHER = bytes(16)
BEFORE, AFTER = 5, 7
"""Steps of a stream before its state is taken, and after."""


def inputs(model: str) -> Array:
    """A row per step."""
    if model == "accumulator":
        return np.arange(BEFORE + AFTER, dtype=np.float32)[:, None] / 3
    xs: Array = networks.signal(1, BEFORE + AFTER)[0]
    return xs


async def stepped(stream: stepwire.Stream, xs: Array) -> list[bytes]:
    return [np.asarray(await stream.step(x)).tobytes() for x in xs]


@pytest.mark.parametrize("model", ["gru", "lstm-deep", "accumulator"])
async def test_a_state_goes_on_bit_equal_in_another_stream_and_server(
    server: Server, start: Start, model: str
) -> None:
    xs = inputs(model)
    elsewhere = start()
    async with (
        stepwire.connect(server.address) as here,
        stepwire.connect(elsewhere.address) as there,
        here.stream(model, version=1) as original,
    ):
        await stepped(original, xs[:BEFORE])
        taken = await here.states.get(original.id, original.token)
        assert (taken.model, taken.version, taken.next_step) == (model, 1, BEFORE)
        assert taken.digest == original.signature.digest
        expected = await stepped(original, xs[BEFORE:])
        for client in (here, there):
            async with client.stream(model, version=1) as other:
                await stepped(other, -xs[:2])
                other_id, token = other.id, other.token
                assert await client.states.put(other_id, token, taken) == BEFORE
                with pytest.raises(stepwire.StreamChanged):
                    await other.step(xs[0])
            async with client.stream(
                model, stream_id=other_id, token=token, mode="resume"
            ) as resumed:
                assert resumed.exact and resumed.next_step == BEFORE
                assert await stepped(resumed, xs[BEFORE:]) == expected


@pytest.mark.parametrize("model", ["gru", "lstm"])
async def test_a_fork_goes_on_bit_equal_beside_its_source(server: Server, model: str) -> None:
    xs = inputs(model)
    async with stepwire.connect(server.address) as client, client.stream(model) as source:
        await stepped(source, xs[:BEFORE])
        fork = await client.states.fork(source.id, source.token)
        assert (fork.model, fork.next_step) == (model, BEFORE)
        async with client.stream(
            model, stream_id=fork.stream_id, token=fork.token, mode="resume"
        ) as copy:
            both = await asyncio.gather(stepped(source, xs[BEFORE:]), stepped(copy, xs[BEFORE:]))
        assert both[0] == both[1]


async def test_what_is_not_the_models_is_refused(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        async with client.stream("accumulator", version=1) as stream, client.stream("gru") as gru:
            await stream.step(5.0)
            of_gru = await client.states.get(gru.id, gru.token)
            bad: list[tuple[Any, str]] = [
                ({"sum": np.array([np.nan], np.float32)}, "holds NaN or Inf"),
                ({"sum": [1.0]}, r"sum: float32\[1\]; got float64\[1\]"),
                ({}, "each once; got none"),
                (of_gru, "put it without a digest"),
            ]
            for state, message in bad:
                with pytest.raises(stepwire.InvalidRequest, match=message):
                    await client.states.put(stream.id, stream.token, state)
            assert await stream.step(2.0) == 7.0


async def test_a_stranger_hears_what_is_said_of_no_stream(server: Server) -> None:
    async with raw_call(server.address) as call:
        resume = pb.Open(stream_id="state-nobody", token=OTHER, mode=pb.OPEN_MODE_RESUME)
        await call.send(open=resume)
        assert await call.rest() == []
        code, details, name = await call.failure()
    assert (code, name) == (grpc.StatusCode.NOT_FOUND, "STREAM_NOT_FOUND")
    async with stepwire.connect(server.address) as client:
        async with client.stream("accumulator", stream_id="state-mine", token=TOKEN) as stream:
            for stream_id in ("state-nobody", "state-mine"):
                states = client.states
                for use in (
                    states.get(stream_id, OTHER),
                    states.put(stream_id, OTHER, {"sum": np.zeros(1, np.float32)}),
                    states.reset(stream_id, OTHER),
                    states.delete(stream_id, OTHER),
                    states.fork(stream_id, OTHER),
                ):
                    with pytest.raises(stepwire.StreamNotFound) as refused:
                        await use
                    assert str(refused.value) == details.replace("state-nobody", stream_id)
            assert await stream.step(2.0) == 2.0


async def test_what_was_put_survives_a_crash(repository: Path, tmp_path: Path) -> None:
    store = ("--store", f"sqlite:{tmp_path / 'streams.db'}")
    with running(repository, *store, log=tmp_path / "first.log") as first:
        async with stepwire.connect(first.address) as client:
            async with client.stream("accumulator", stream_id="a", token=TOKEN) as stream:
                await stream.step(5.0)
                fork = await client.states.fork("a", TOKEN, new_stream_id="b")
                await client.states.put("a", TOKEN, {"sum": np.array([40], np.float32)})
                await client.states.reset("b", fork.token)
                async with client.stream("accumulator", stream_id="c", token=TOKEN):
                    await client.states.delete("c", TOKEN)
        first.kill()
    with running(repository, *store, log=tmp_path / "second.log") as second:
        async with stepwire.connect(second.address) as client:
            listed = [(each.stream_id, each.next_step) for each in await client.states.list()]
            assert listed == [("a", 1), ("b", 0)]
            async with client.stream(
                "accumulator", stream_id="a", token=TOKEN, mode="resume"
            ) as stream:
                assert await stream.step(2.0) == 42.0


async def test_a_put_reaches_a_stream_in_whichever_worker_it_is(
    repository: Path, tmp_path: Path
) -> None:
    flags = ("--workers", "2", "--store", f"sqlite:{tmp_path / 'streams.db'}")
    with running(repository, *flags, log=tmp_path / "log") as server:
        async with stepwire.connect(server.address) as client:
            async with client.stream("accumulator", stream_id="a", token=TOKEN) as stream:
                await stream.step(5.0)
                await stream.detach()
        for total in range(6):  # connections fall to the workers at random
            async with stepwire.connect(server.address) as client:
                state = {"sum": np.array([total], np.float32)}
                await client.states.put("a", TOKEN, state)
            async with stepwire.connect(server.address) as client:
                async with client.stream(
                    "accumulator", stream_id="a", token=TOKEN, mode="resume"
                ) as stream:
                    assert await stream.step(1.0) == total + 1.0
                    await stream.detach()


def test_the_client_without_async_has_it_too(server: Server) -> None:
    with stepwire.sync.connect(server.address) as client:
        with client.stream("accumulator", stream_id="state-sync", token=TOKEN) as stream:
            stream.step(5.0)
            states = client.states
            taken = states.get(stream.id, TOKEN)
            assert taken.states["sum"] == [5.0] and not taken.durable_step
            fork = states.fork(stream.id, TOKEN)
            listed = {each.stream_id: each for each in states.list()}
            assert listed["state-sync"].place == "attached"
            assert listed[fork.stream_id].place == "detached"
            assert states.put(fork.stream_id, fork.token, taken, next_step=9) == 9
            states.reset(stream.id, TOKEN)
            assert states.get(stream.id, TOKEN).next_step == 0
            for stream_id, token in ((stream.id, TOKEN), (fork.stream_id, fork.token)):
                states.delete(stream_id, token)
        with pytest.raises(stepwire.StreamNotFound):
            states.get("state-sync", TOKEN)
    with pytest.raises(stepwire.StreamClosed):
        states.list()


async def test_a_closed_client_says_so(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        pass
    with pytest.raises(stepwire.StreamClosed):
        await client.states.list()
