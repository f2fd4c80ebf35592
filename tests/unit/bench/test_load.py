"""The loads against floors in the same process: what they count, and when they fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import grpc
import pytest

from bench import conversations
from bench.echo import Echo
from bench.inline import Inline
from bench.load import Conversation, Load, LoadFailed, Round, run_round, summary
from bench.paced import paced_round
from bench.package import Network, write

SMALL = Network("gru", "GRU", features=3, hidden=4)
STEPS = 2_000


@asynccontextmanager
async def serving(handler: grpc.GenericRpcHandler) -> AsyncIterator[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def loaded(address: str, talk: Conversation, streams: int = 3) -> Round:
    """With a clock of the server's CPU that goes on by a second whenever it is asked."""
    clock = count()
    return await run_round(
        address, talk, lambda: float(next(clock)), streams=streams, warm_up=0.01, seconds=0.05
    )


@pytest.fixture
def talk() -> Conversation:
    return conversations.with_service(SMALL, steps=STEPS)


async def test_a_round_counts_answers_and_the_cpu_between_its_marks(talk: Conversation) -> None:
    async with serving(Echo(conversations.answer_bytes(SMALL))) as address:
        found = await loaded(address, conversations.with_echo(talk))
    answered = 1e6 / found.cpu_us  # one second of CPU by the clock
    assert answered == pytest.approx(round(answered)) and answered >= 1
    assert found.rate <= answered / 0.05
    assert 0 < found.p50_us <= found.p99_us and found.batches == {}


async def test_batch_sizes_come_from_a_sample_of_the_answers(
    talk: Conversation, tmp_path: Path
) -> None:
    async with serving(Inline(write(tmp_path, SMALL))) as address:
        found = await loaded(address, talk)
    assert set(found.batches) == {1}
    assert sum(found.batches.values()) < 1e6 / found.cpu_us


async def test_an_answer_that_is_none_fails_the_round(talk: Conversation) -> None:
    wrong = replace(conversations.with_echo(talk), accepts=talk.accepts)
    async with serving(Echo(0)) as address:
        with pytest.raises(LoadFailed, match="got no output but"):
            await loaded(address, wrong)


async def test_a_round_of_few_answers_fails(talk: Conversation) -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        load = Load(channel, talk, pause=0.0)
        first = load.mark(0.0)
        load.round_trips += [0.001] * 12
        with pytest.raises(LoadFailed, match=r"12 answers in .* s say nothing"):
            summary(load, first, load.mark(1.0))


async def test_a_round_that_outlasts_its_steps_fails() -> None:
    short = conversations.with_service(SMALL, steps=2)
    async with serving(Echo(4)) as address:
        with pytest.raises(LoadFailed, match="ran out"):
            await loaded(address, conversations.with_echo(short))


def paced(address: str, talk: Conversation) -> Round:
    clock = count()
    return paced_round(
        address, talk, lambda: float(next(clock)), rate_hz=1000.0, warm_up=0.02, seconds=0.05
    )


async def test_an_open_loop_sends_what_is_due(talk: Conversation, tmp_path: Path) -> None:
    async with serving(Inline(write(tmp_path, SMALL))) as address:
        found = await asyncio.to_thread(paced, address, talk)
    assert 1e6 / found.cpu_us == pytest.approx(50)
    assert 0 < found.p50_us <= found.p99_us


class Hoarder(grpc.GenericRpcHandler):
    """Answers no step before the last one has come."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        return grpc.stream_stream_rpc_method_handler(self._stream)

    async def _stream(
        self, _: Iterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> None:
        await context.read()
        await context.write(b"")
        for _step in range(self._steps):
            await context.read()
        for _step in range(self._steps):
            await context.write(b"")


async def test_an_open_loop_waits_for_no_answer_and_counts_from_when_a_step_was_due(
    talk: Conversation,
) -> None:
    async with serving(Hoarder(70)) as address:
        found = await asyncio.to_thread(paced, address, conversations.with_echo(talk))
    # Of the steps due 20 to 69 ms after the first, none is answered before the last is due.
    assert found.p50_us > 24_000 and found.p99_us > 48_000


async def test_an_open_loop_fails_where_its_last_step_is_not_answered(talk: Conversation) -> None:
    wrong = replace(conversations.with_echo(talk), accepts=talk.accepts)
    async with serving(Echo(0)) as address:
        with pytest.raises(LoadFailed, match="timestep 69 got no output"):
            await asyncio.to_thread(paced, address, wrong)
