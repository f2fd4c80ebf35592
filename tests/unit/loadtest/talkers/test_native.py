"""Streams in calls of their own, spoken to by servers that play a scene."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest

from loadtest.inputs import Timesteps
from loadtest.schedule import Arrival
from loadtest.talkers.connection import Connection
from loadtest.talkers.line import Lines
from loadtest.talkers.native import Native
from loadtest.talkers.talker import Answer
from stepwire.call import Call
from stepwire.errors import ModelNotFound, Unavailable
from stepwire.v1 import stream_pb2 as pb
from tests.loads import load
from tests.scripted import WINDOW, Scene, playing
from tests.unit.loadtest.talkers.ears import DEADLINE, FIRST, SECOND, THIRD, Ears


@asynccontextmanager
async def lines(address: str, ears: Ears, of: type[Native] = Native) -> AsyncIterator[Lines]:
    """One stream."""
    async with grpc.aio.insecure_channel(address) as channel:
        connection = Connection(channel, (), load(model="accumulator"), Timesteps(seed=0))
        made = Lines([0], lambda stream: of(connection, stream), ears)
        try:
            yield made
        finally:
            await made.close()


async def answering(scene: Scene) -> None:
    await scene.opened()
    with_steps = True
    while with_steps:
        message = await scene.hear()
        with_steps = message.WhichOneof("event") == "step"
        if with_steps:
            await scene.answer(message.step)


class Away(Native):
    """Of a server that is gone when it is asked a second time, and stays away."""

    calls = 0

    async def begin(self) -> Call[pb.StreamRequest, pb.StreamResponse]:
        self.calls += 1
        if self.calls > 1:
            raise Unavailable("nobody is there")
        return await super().begin()


async def test_a_server_that_stays_away_does_not_hold_up_the_end() -> None:
    async def vanishing(scene: Scene) -> None:
        await scene.opened()
        await scene.step()
        await scene.vanish()

    ears = Ears()
    async with playing(vanishing) as address, lines(address, ears, of=Away) as talker:
        await talker.open()
        talker.due(FIRST)
        await ears.until(1)
        talker.due(SECOND)
        async with asyncio.timeout(DEADLINE):
            assert await talker.close() == [SECOND]


async def test_steps_are_numbered_and_answered_in_order() -> None:
    ears = Ears()
    async with playing(answering) as address, lines(address, ears) as talker:
        served = await talker.open()
        assert served.version == 1 and served.inputs == ("x: float32[1]",)
        for arrival in (FIRST, SECOND, THIRD):
            talker.due(arrival)
        await ears.until(3)
    assert [arrival for arrival, _ in ears.told] == [FIRST, SECOND, THIRD]
    assert all(answer.error is None for _, answer in ears.told)


async def test_it_says_goodbye() -> None:
    heard: list[str | None] = []

    async def scene(of: Scene) -> None:
        await of.opened()
        heard.append((await of.hear()).WhichOneof("event"))

    async with playing(scene) as address, lines(address, Ears()) as talker:
        await talker.open()
        assert await talker.close() == []
    assert heard == ["close"]


async def test_an_end_that_comes_while_a_step_is_said_is_not_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saying, go_on = asyncio.Event(), asyncio.Event()
    heard: list[str | None] = []
    at_once = Call.say

    async def say(call: Call[pb.StreamRequest, pb.StreamResponse], what: pb.StreamRequest) -> bool:
        done = await at_once(call, what)
        if what.WhichOneof("event") == "step":
            saying.set()
            await go_on.wait()
        return done

    async def scene(of: Scene) -> None:
        await of.opened()
        heard.extend([(await of.hear()).WhichOneof("event") for _ in range(2)])

    monkeypatch.setattr(Call, "say", say)
    async with playing(scene) as address, lines(address, Ears()) as talker:
        await talker.open()
        talker.due(FIRST)
        await saying.wait()
        closing = asyncio.create_task(talker.close())
        await asyncio.sleep(0)
        go_on.set()
        assert await closing == [FIRST]
    assert heard == ["step", "close"]


async def test_a_stream_that_is_opened_for_nobody_is_closed() -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def late(scene: Scene) -> None:
        asked.set()
        await asyncio.wait_for(broken_off.wait(), DEADLINE)
        await scene.opened()
        assert (await scene.hear()).WhichOneof("event") == "close"
        closed.set()

    broken_off = asyncio.Event()
    async with playing(late) as address, lines(address, Ears()) as talker:
        opening = asyncio.create_task(talker.open())
        await asyncio.wait_for(asked.wait(), DEADLINE)
        opening.cancel()
        await asyncio.wait([opening])
        broken_off.set()
        await talker.close()
        assert closed.is_set() and opening.cancelled()


async def test_a_refused_open_is_told() -> None:
    async def scene(of: Scene) -> None:
        await of.hear()
        await of.refuse("MODEL_NOT_FOUND", "no such model", grpc.StatusCode.NOT_FOUND)

    async with playing(scene) as address, lines(address, Ears()) as talker:
        with pytest.raises(ExceptionGroup) as refused:
            await talker.open()
    assert isinstance(refused.value.exceptions[0], ModelNotFound)


async def test_a_call_that_breaks_loses_what_was_sent_and_is_opened_again() -> None:
    async def breaking(scene: Scene) -> None:
        await scene.opened()
        await scene.answer(await scene.step())
        await scene.step()
        await scene.vanish()

    ears = Ears()
    async with playing(breaking, answering) as address, lines(address, ears) as talker:
        await talker.open()
        for place, arrival in enumerate((FIRST, SECOND)):
            talker.due(arrival)
            await ears.until(place + 1)
        talker.due(THIRD)
        await ears.until(3)
    assert [answer.error for _, answer in ears.told] == [None, "Unavailable", None]
    assert [answer.lost for _, answer in ears.told] == [False, True, False]


async def test_an_error_is_told_by_its_name_and_the_next_step_takes_its_number() -> None:
    numbers: list[int] = []

    async def scene(of: Scene) -> None:
        await of.opened()
        step = await of.step()
        await of.error(step, pb.StepError.CODE_RUN_FAILED)
        step = await of.step()
        numbers.append(step.step)
        await of.answer(step)
        await of.until_closed()

    ears = Ears()
    async with playing(scene) as address, lines(address, ears) as talker:
        await talker.open()
        talker.due(FIRST)
        await ears.until(1)
        talker.due(SECOND)
        await ears.until(2)
    assert ears.told[0] == (FIRST, Answer(error="RunFailed", next_step=0))
    assert numbers == [0]


async def test_steps_beyond_the_window_wait_here_and_are_left_over() -> None:
    seen = asyncio.Event()
    numbers: list[int] = []

    async def deaf(scene: Scene) -> None:
        await scene.opened()
        for _ in range(WINDOW):
            numbers.append((await scene.step()).step)
        seen.set()
        await scene.until_closed()

    due = [Arrival(float(place), 0, place + 1.0) for place in range(WINDOW + 3)]
    async with playing(deaf) as address, lines(address, Ears()) as talker:
        await talker.open()
        for arrival in due:
            talker.due(arrival)
        async with asyncio.timeout(DEADLINE):
            await seen.wait()
        assert await talker.close() == due
    assert numbers == list(range(WINDOW))


async def test_what_an_answer_says_of_its_run_is_told() -> None:
    async with grpc.aio.insecure_channel("localhost:1") as channel:
        dialect = Native(Connection(channel, (), load(), Timesteps(seed=0)), stream=0)
        output = pb.Output(batch_size=3, queue_us=20, compute_us=500)
        answer = dialect.read(pb.StreamResponse(output=output))
        assert answer and (answer.error, answer.batch_size) == (None, 3)
        assert (answer.queued, answer.computed) == pytest.approx((20e-6, 500e-6))
        assert dialect.read(pb.StreamResponse(going_away=pb.GoingAway())) is None
