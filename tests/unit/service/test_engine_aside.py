"""Long runs, which leave the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from service.core.directory import Directory
from service.core.errors import StepFault
from service.core.lateness import LatePolicy
from service.core.model import Array
from service.core.run_cost import RunCost
from service.core.steps import Step
from service.core.streams import Mode, ModelKey, Stream, StreamKey
from service.engine import Engine
from service.lanes.aside import Aside
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.stepper import Stepper
from tests.fakes import MODEL, Connection, accumulator_lane, number, request, value

SLOW, OTHER = ModelKey("slow", 1), ModelKey("other", 1)
LONG = 1.0


class Gate:
    """An accumulator whose runs last until they may end."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.fails = False

    def __call__(self, feeds: Mapping[str, Array]) -> Sequence[Array]:
        self.started.release()
        self.may_end.acquire()
        if self.fails:
            raise ValueError("not this time")
        return accumulate(feeds)

    async def entered(self) -> None:
        """A run has begun."""
        await asyncio.to_thread(self.started.acquire)


class Bench:
    def __init__(self) -> None:
        self.gate = Gate()
        self.lane = self._slow_lane(SLOW)
        other = self._slow_lane(OTHER)
        lanes = Lanes({SLOW: self.lane, OTHER: other, MODEL: accumulator_lane()}, {})
        directory = Directory(limit=8, idle_limit=600.0)
        self.engine = Engine(lanes, directory, aside=Aside(worth=LONG))

    def _slow_lane(self, model: ModelKey) -> Lane:
        stepper = Stepper(self.gate, accumulator_signature(), cost=RunCost(LONG, 0.0))
        return Lane(model, "digest", stepper, window=4, max_batch=8)

    async def open(
        self, name: str, model: str = SLOW.name, mode: Mode = Mode.CREATE
    ) -> tuple[Stream, Told]:
        told = Told()
        asked = request(name, mode, model="" if mode is Mode.RESUME else model)
        return (await self.engine.open(asked, told)).stream, told

    def send(self, stream: Stream, step: int, x: float) -> None:
        self.engine.submit(stream, Step(step, (number(x),), received=0.0))


class Told(Connection):
    """A connection that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def answer(self, answer: object) -> None:
        super().answer(answer)  # type: ignore[arg-type]  # as the engine gave it
        self._news.set()

    async def answered(self, count: int) -> list[float]:
        """Its outputs, once there are so many answers."""
        while len(self.answers) < count:
            self._news.clear()
            await self._news.wait()
        return [value(output.outputs[0]) for output in self.outputs]


@asynccontextmanager
async def benched() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.gate.may_end.release(100)
    await bench.engine.close_down(0.0)


async def test_others_go_on_while_a_long_run_lasts() -> None:
    async with benched() as bench:
        slow, waits = await bench.open("slow")
        quick, other = await bench.open("quick", MODEL.name)
        bench.send(slow, 0, 1.0)
        await bench.gate.entered()
        for step in range(3):
            bench.send(quick, step, 1.0)
        assert await other.answered(3) == [1.0, 2.0, 3.0]
        assert not waits.answers
        bench.gate.may_end.release()
        assert await waits.answered(1) == [1.0]


async def test_what_arrives_during_a_long_run_is_the_next_batch() -> None:
    async with benched() as bench:
        opened = [await bench.open(f"s{index}") for index in range(3)]
        bench.send(opened[0][0], 0, 1.0)
        await bench.gate.entered()
        for stream, _ in opened:
            bench.send(stream, int(stream is opened[0][0]), 10.0)
        bench.gate.may_end.release(2)
        assert [await told.answered(1) for _, told in opened[1:]] == [[10.0], [10.0]]
        assert await opened[0][1].answered(2) == [1.0, 11.0]
        assert [output.batch_size for output in opened[0][1].outputs] == [1, 3]


async def test_an_answer_that_needs_no_run_does_not_wait_for_one() -> None:
    async with benched() as bench:
        (slow, waits), (asks, told) = await bench.open("slow"), await bench.open("asks")
        bench.send(asks, 7, 1.0)
        bench.send(slow, 0, 1.0)
        await bench.gate.entered()
        assert await told.answered(1) == []
        assert told.errors[0].next_step == 0
        assert not waits.answers


async def test_a_step_under_way_when_its_connection_goes_has_not_run() -> None:
    async with benched() as bench:
        (slow, former), (neighbour, other) = await bench.open("slow"), await bench.open("other")
        bench.send(slow, 0, 1.0)
        bench.send(neighbour, 0, 5.0)
        await bench.gate.entered()
        bench.engine.detach(slow, former)
        again, present = await bench.open("slow", mode=Mode.RESUME)
        assert again is slow
        bench.gate.may_end.release()
        assert await other.answered(1) == [5.0]
        assert former.answers == []
        assert bench.lane.next_step(slow) == 0
        bench.gate.may_end.release()
        bench.send(slow, 0, 2.0)
        assert await present.answered(1) == [2.0]


async def test_who_takes_the_slot_of_a_stream_that_ended_in_a_run_starts_anew() -> None:
    async with benched() as bench:
        slow, former = await bench.open("slow")
        bench.send(slow, 0, 1.0)
        await bench.gate.entered()
        row = slow.slot.row if slow.slot else None
        bench.engine.close(slow, former)
        tenant, told = await bench.open("tenant")
        assert tenant.slot and tenant.slot.row == row
        bench.gate.may_end.release(2)
        bench.send(tenant, 0, 3.0)
        assert await told.answered(1) == [3.0]
        assert former.answers == []


async def test_a_service_that_stops_waits_for_a_run_and_drops_it() -> None:
    async with benched() as bench:
        slow, told = await bench.open("slow")
        bench.send(slow, 0, 1.0)
        await bench.gate.entered()
        closing = asyncio.create_task(bench.engine.close_down(0.0))
        await asyncio.sleep(0)
        assert not closing.done()
        bench.gate.may_end.release()
        await closing
        assert told.answers == []


async def test_a_batch_forms_when_there_is_a_thread_for_it() -> None:
    async with benched() as bench:
        (slow, _), (first, one) = await bench.open("slow"), await bench.open("one", OTHER.name)
        second, two = await bench.open("two", OTHER.name)
        bench.send(slow, 0, 1.0)
        await bench.gate.entered()
        bench.send(first, 0, 2.0)
        await asyncio.sleep(0)
        bench.send(second, 0, 3.0)
        bench.gate.may_end.release(2)
        assert [await told.answered(1) for told in (one, two)] == [[2.0], [3.0]]
        assert [told.outputs[0].batch_size for told in (one, two)] == [2, 2]


async def test_a_long_run_that_fails_is_told_and_the_next_one_runs() -> None:
    async with benched() as bench:
        slow, told = await bench.open("slow")
        bench.gate.fails = True
        bench.gate.may_end.release(2)
        bench.send(slow, 0, 1.0)
        assert await told.answered(1) == []
        assert told.errors[0].fault is StepFault.RUN_FAILED
        bench.gate.fails = False
        bench.send(slow, 0, 1.0)
        assert await told.answered(2) == [1.0]


async def test_the_state_is_saved_during_a_run_as_it_was_before() -> None:
    async with benched() as bench:
        slow, told = await bench.open("slow")
        bench.gate.may_end.release()
        bench.send(slow, 0, 1.0)
        assert await told.answered(1) == [1.0]
        bench.send(slow, 1, 2.0)
        await bench.gate.entered()
        await bench.gate.entered()
        (saved,) = bench.lane.checkpoints([slow])
        assert (saved.next_step, value(saved.states[0])) == (1, 1.0)


async def test_the_arena_may_grow_during_a_run() -> None:
    async with benched() as bench:
        slow, told = await bench.open("slow")
        bench.send(slow, 0, 1.0)
        await bench.gate.entered()
        for number_ in range(6):
            await bench.open(f"s{number_}")
        bench.lane.start(Stream(StreamKey("", "x"), b"", SLOW, LatePolicy.FLAG, None))
        for index in range(20):
            bench.lane.start(Stream(StreamKey("", f"y{index}"), b"", SLOW, LatePolicy.FLAG, None))
        bench.gate.may_end.release(2)
        bench.send(slow, 1, 2.0)
        assert await told.answered(2) == [1.0, 3.0]


async def test_where_no_thread_is_to_be_had_a_long_run_stays_on_the_loop() -> None:
    class Spent(Aside):
        def run(self, work: object, done: object) -> None:
            raise RuntimeError("can't start new thread")

    stepper = Stepper(accumulate, accumulator_signature(), cost=RunCost(LONG, 0.0))
    lane = Lane(SLOW, "digest", stepper, window=4, max_batch=8)
    directory = Directory(limit=8, idle_limit=600.0)
    engine = Engine(Lanes({SLOW: lane}, {}), directory, aside=Spent(worth=LONG))
    told = Told()
    stream = (await engine.open(request("slow", model=SLOW.name), told)).stream
    engine.submit(stream, Step(0, (number(1.0),), received=0.0))
    assert await told.answered(1) == [1.0]
