from __future__ import annotations

import asyncio

import pytest

from service.core.directory import Directory
from service.core.errors import (
    ModelNotFound,
    ServerDraining,
    StreamNotFound,
    StreamTakenOver,
)
from service.core.steps import Step
from service.core.streams import Mode, ModelKey
from service.engine import Engine
from service.lanes.lanes import Lanes
from tests.fakes import MODEL, Connection, accumulator_lane, number, request, value

NEWER = ModelKey(MODEL.name, 2)
REFUSED = ModelKey("broken", 1)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def engine(clock: Clock | None = None, idle_limit: float = 600.0) -> Engine:
    lanes = {key: accumulator_lane(model=key) for key in (MODEL, NEWER)}
    directory = Directory(limit=4, idle_limit=idle_limit)
    return Engine(Lanes(lanes, {REFUSED: "off by 0.1"}), directory, clock=clock or Clock())


async def turns(count: int = 1) -> None:
    """Lets the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


def step(count: int, x: float = 1.0) -> Step:
    return Step(count, (number(x),), received=0.0)


async def test_steps_of_one_turn_share_a_run() -> None:
    made = engine()
    owners = [Connection() for _ in range(3)]
    for index, owner in enumerate(owners):
        stream = (await made.open(request(f"s{index}"), owner)).stream
        made.submit(stream, step(0, float(index)))
    assert all(not owner.answers for owner in owners)
    await turns()
    for index, owner in enumerate(owners):
        assert value(owner.outputs[0].outputs[0]) == index
        assert owner.outputs[0].batch_size == 3


async def test_pipelined_steps_run_one_a_turn_and_in_order() -> None:
    made, owner = engine(), Connection()
    stream = (await made.open(request(), owner)).stream
    for count in range(4):
        made.submit(stream, step(count, 1.0))
    await turns(4)
    assert [value(output.outputs[0]) for output in owner.outputs] == [1, 2, 3, 4]


async def test_a_stream_takes_the_newest_version_unless_one_is_named() -> None:
    made = engine()
    assert (await made.open(request("a"), Connection())).stream.model == NEWER
    assert (await made.open(request("b", version=1), Connection())).stream.model == MODEL


@pytest.mark.parametrize(
    ("model", "version", "message"),
    [
        ("nope", None, "no model 'nope', only accumulator"),
        ("accumulator", 7, "no version 7, only 1, 2"),
        ("broken", None, "broken/1 does not serve: off by 0.1"),
    ],
)
async def test_an_unknown_model_names_what_is_there(
    model: str, version: int | None, message: str
) -> None:
    with pytest.raises(ModelNotFound, match=message):
        await engine().open(request(model=model, version=version), Connection())


async def test_state_survives_a_detach_and_a_takeover() -> None:
    made, first, second, third = engine(), Connection(), Connection(), Connection()
    stream = (await made.open(request(), first)).stream
    made.submit(stream, step(0, 5.0))
    await turns()
    made.detach(stream, first)
    assert (await made.open(request(mode=Mode.RESUME), second)).next_step == 1
    assert (await made.open(request(mode=Mode.RESUME), third)).next_step == 1
    assert isinstance(second.ended, StreamTakenOver)
    made.submit(stream, step(1, 2.0))
    await turns()
    assert value(third.outputs[0].outputs[0]) == 7.0
    assert second.answers == []


async def test_restart_begins_again_and_tells_the_former_connection() -> None:
    made, former, present = engine(), Connection(), Connection()
    stream = (await made.open(request(), former)).stream
    made.submit(stream, step(0, 5.0))
    await turns()
    again = await made.open(request(mode=Mode.RESTART, token=bytes(16)), present)
    assert again.next_step == 0
    assert isinstance(former.ended, StreamTakenOver)
    made.submit(again.stream, step(0, 1.0))
    await turns()
    assert value(present.outputs[0].outputs[0]) == 1.0


async def test_a_closed_streams_slot_starts_from_the_initial_state() -> None:
    made, owner = engine(), Connection()
    first = (await made.open(request("a"), owner)).stream
    made.submit(first, step(0, 5.0))
    await turns()
    slot = first.slot
    made.close(first, owner)
    second = (await made.open(request("b"), owner)).stream
    made.submit(second, step(0, 1.0))
    await turns()
    assert second.slot and slot and second.slot.row == slot.row
    assert value(owner.outputs[-1].outputs[0]) == 1.0


async def test_steps_pending_at_a_close_or_detach_are_not_run() -> None:
    made, owner = engine(), Connection()
    stream = (await made.open(request(), owner)).stream
    made.submit(stream, step(0))
    made.detach(stream, owner)
    await turns(2)
    assert (await made.open(request(mode=Mode.RESUME), Connection())).next_step == 0


async def test_a_detached_stream_expires_by_the_clock() -> None:
    clock = Clock()
    made, owner = engine(clock), Connection()
    made.detach((await made.open(request(), owner)).stream, owner)
    clock.now += 600.0
    with pytest.raises(StreamNotFound, match="detached for more than 600 s"):
        await made.open(request(mode=Mode.RESUME), Connection())


async def test_expiry_frees_the_slot_without_anyone_asking() -> None:
    clock = Clock()
    made, owner = engine(clock, idle_limit=0.01), Connection()
    stream = (await made.open(request(), owner)).stream
    made.detach(stream, owner)
    clock.now += 1.0
    async with asyncio.timeout(30):
        while stream.slot is not None:
            await asyncio.sleep(0.001)


async def test_what_becomes_of_streams_is_counted_by_their_model() -> None:
    made, owner = engine(idle_limit=0.0), Connection()
    names = ("closed", "detached")
    closed, detached = [(await made.open(request(each), owner)).stream for each in names]
    await made.open(request("older", version=1), owner)
    made.close(closed, owner)
    made.close(closed, owner)
    made.detach(detached, owner)
    async with asyncio.timeout(30):
        while detached.slot is not None:
            await asyncio.sleep(0.001)
    older, newer = [lane.streams for lane in made.readings().lanes]
    assert (newer.opened, newer.closed, newer.expired) == (2, 1, 1)
    assert (older.opened, older.closed, older.expired) == (1, 0, 0)


@pytest.mark.parametrize("end", ["close", "expire"])
async def test_the_last_stream_of_a_retired_version_is_counted(end: str) -> None:
    made, owner = engine(), Connection()
    stream = (await made.open(request("older", version=1), owner)).stream
    made._lanes.retire(MODEL)
    getattr(made, end)(stream, owner)
    assert [lane.model for lane in made.readings().lanes] == [NEWER]
    [past] = made.readings().past
    assert (past.model, past.streams.opened, past.slots) == (MODEL, 1, 0)
    assert (past.streams.closed, past.streams.expired) == (end == "close", end == "expire")


async def test_draining_refuses_opens_and_waits_for_the_connections() -> None:
    made, owner = engine(), Connection()
    stream = (await made.open(request(), owner)).stream
    made.drain()
    assert isinstance(owner.asked_to_leave, ServerDraining)
    with pytest.raises(ServerDraining):
        await made.open(request("b"), Connection())
    made.submit(stream, step(0))
    waiting = asyncio.create_task(made.drained())
    await turns(2)
    assert len(owner.outputs) == 1
    assert not waiting.done()
    made.detach(stream, owner)
    async with asyncio.timeout(30):
        await waiting


async def test_draining_without_connections_is_done_at_once() -> None:
    made = engine()
    made.drain()
    async with asyncio.timeout(30):
        await made.drained()
