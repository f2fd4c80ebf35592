"""Streams that part from their fleet while steps of them wait, to run or to be answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.access.credentials import Credential
from service.api.guard import Endable, Guard
from service.core.directory import Directory
from service.core.streams import Mode
from service.engine import Engine
from service.lanes.lanes import Lanes
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import MODEL, Connection, accumulator_lane, request
from tests.fleets import Talk

MAX_BATCH = 2
STREAMS = 8 * MAX_BATCH
HANDLES = range(STREAMS)


@pytest.fixture
def engine() -> Engine:
    lane = accumulator_lane(model=MODEL, max_batch=MAX_BATCH)
    return Engine(Lanes({MODEL: lane}, {}), Directory(limit=2 * STREAMS, idle_limit=600.0))


async def fleet(engine: Engine, direct: bool, guard: Guard | None = None) -> Talk:
    """A call whose streams have made a step, so that the next one has an output to repeat."""
    talk = Talk(engine, guard, direct=direct)
    await talk.open(*(f"s{handle}" for handle in HANDLES))
    talk.step(HANDLES, [0] * STREAMS, [1.0] * STREAMS)
    await talk.turns()
    return talk


@pytest.mark.parametrize("turns", range(8))
async def test_steps_that_wait_when_their_call_ends_hold_up_nobody(
    engine: Engine, turns: int, direct: bool
) -> None:
    neighbour = Talk(engine, direct=direct)
    await neighbour.open("neighbour")
    talk = await fleet(engine, direct)
    # Those that come in the first runs are new, those that come in the last ones are repeated.
    steps = [int(handle < STREAMS // 2) for handle in HANDLES]
    talk.step(HANDLES, steps, [1.0] * STREAMS)
    neighbour.step([0], [0], [5.0])
    await talk.turns(turns)
    talk.task.cancel()
    await neighbour.turns()
    neighbour.step([0], [1], [5.0])
    await neighbour.turns()
    assert neighbour.outputs(0) == [(0, 5.0), (1, 10.0)]


@pytest.mark.parametrize("turns", range(8))
async def test_steps_that_wait_when_their_call_ends_move_nobody_who_comes_after(
    engine: Engine, turns: int, direct: bool
) -> None:
    talk = Talk(engine, direct=direct)
    await talk.open(*(f"s{handle}" for handle in HANDLES))
    talk.step(HANDLES, [0] * STREAMS, [7.0] * STREAMS)
    await talk.turns(turns)
    talk.task.cancel()
    await asyncio.wait([talk.task])
    restart = [request(f"s{handle}", Mode.RESTART, bytes(16)) for handle in HANDLES]
    opened = [await engine.open(each, Connection()) for each in restart]
    await talk.turns()
    (lane,) = engine.lanes()
    assert [lane.next_step(each.stream) for each in opened] == [0] * STREAMS


async def test_a_stream_lost_with_unwritten_answers_does_not_keep_its_call_open(
    engine: Engine, direct: bool
) -> None:
    talk = await fleet(engine, direct)
    talk.reads.clear()
    for step in (1, 2):
        talk.step(HANDLES, [step] * STREAMS, [1.0] * STREAMS)
    await talk.turns()
    await engine.open(request("s0", Mode.RESUME), Connection())
    talk.reads.set()
    talk.hang_up()
    async with asyncio.timeout(5):
        await talk.task
    assert talk.status == "OK"


async def test_a_leave_that_crosses_a_loss_answers_for_it(engine: Engine, direct: bool) -> None:
    talk = await fleet(engine, direct)
    talk.reads.clear()
    for step in (1, 2):
        talk.step(HANDLES, [step] * STREAMS, [1.0] * STREAMS)
    await talk.turns()
    await engine.open(request("s0", Mode.RESUME), Connection())
    talk.say(leave=pb.FleetLeave(handles=[0]))
    talk.say(open=pb.FleetOpen(members=[member("heir")]))
    await talk.turns()
    talk.reads.set()
    await talk.turns()
    assert talk.left() == [(0, "STREAM_TAKEN_OVER")]
    (heir,) = talk.heard[-1].opened.members
    talk.step([heir.handle], [0], [3.0])
    talk.say(leave=pb.FleetLeave(handles=[heir.handle]))
    await talk.turns()
    assert talk.outputs(heir.handle)[-1] == (0, 3.0)
    assert talk.left()[-1] == (heir.handle, "")


async def test_a_stream_lost_while_it_leaves_needs_no_second_leave(
    engine: Engine, direct: bool
) -> None:
    talk = await fleet(engine, direct)
    talk.reads.clear()
    for step in (1, 2):
        talk.step(HANDLES, [step] * STREAMS, [1.0] * STREAMS)
    talk.say(leave=pb.FleetLeave(handles=[0]))
    await talk.turns()
    await engine.open(request("s0", Mode.RESUME), Connection())
    talk.reads.set()
    await talk.turns()
    assert talk.left() == [(0, "STREAM_TAKEN_OVER")]
    (heir,) = await talk.open("heir")
    assert heir.handle == 0


def member(id_: str) -> pb.FleetMember:
    return pb.FleetMember(open=pb.Open(model=MODEL.name, stream_id=id_))


class Counting(Guard):
    """Knows how many streams it watches."""

    watched = 0

    @contextmanager
    def watching(
        self, call: Endable, caller: Credential, model: str | None = None
    ) -> Iterator[None]:
        self.watched += 1
        with super().watching(call, caller, model):
            yield
        self.watched -= 1


async def test_a_stream_that_was_lost_is_watched_no_more(engine: Engine, direct: bool) -> None:
    guard = Counting()
    talk = await fleet(engine, direct, guard)
    await engine.open(request("s0", Mode.RESUME), Connection())
    talk.say(leave=pb.FleetLeave(handles=[0]))
    await talk.turns()
    assert guard.watched == STREAMS - 1
