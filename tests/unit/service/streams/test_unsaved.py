"""How old the oldest step is told to be that the store lacks."""

from __future__ import annotations

import asyncio

from service.core.lateness import LatePolicy
from service.core.streams import ModelKey, Stream, StreamKey
from service.lanes.lanes import Lanes
from service.streams.unsaved import Unsaved
from tests.fakes import MODEL, Connection, accumulator_lane
from tests.replicas import INTERVAL, Replica, Shared

NEWER = ModelKey(MODEL.name, 2)
ROUND = 1.0 + INTERVAL
"""Seconds from one to the next, at most, while the store is away."""


def age(replica: Replica) -> float:
    return replica.store_reading.unsaved_for[MODEL]


async def test_a_step_is_as_old_as_itself_however_long_the_store_is_away() -> None:
    replica = Replica(Shared())
    session = await replica.create()
    replica.line.cut = True
    await asyncio.sleep(300.0)
    assert age(replica) == 0
    await session.add(1.0)
    assert age(replica) <= ROUND
    await asyncio.sleep(20.0)
    await session.add(1.0)
    assert 20.0 <= age(replica) <= 20.0 + ROUND


async def test_nobody_needs_to_look_for_an_age_to_be_right() -> None:
    replica = Replica(Shared())
    session = await replica.create()
    replica.line.cut = True
    await asyncio.sleep(300.0)
    await session.add(1.0)
    assert 0 <= age(replica) <= ROUND


async def test_a_round_that_comes_late_leaves_the_steps_since_it_began() -> None:
    replica = Replica(Shared(), interval=10.0)
    session = await replica.create()
    await asyncio.sleep(11.0)
    await session.add(1.0)
    await asyncio.sleep(5.0)
    assert 5.0 <= age(replica) <= 6.0 + INTERVAL
    await session.saved()
    assert age(replica) == 0


def test_a_version_that_came_since_has_no_older_steps() -> None:
    lanes = Lanes({MODEL: accumulator_lane()}, {})
    unsaved = Unsaved(lanes, 0.0)
    unsaved.look(10.0)
    newer = accumulator_lane(model=NEWER)
    lanes.put(newer)
    stream = Stream(StreamKey("", "robot"), b"", NEWER, LatePolicy.FLAG, Connection())
    newer.start(stream)
    newer.touch(stream)
    assert unsaved.ages(12.0) == {MODEL: 0.0, NEWER: 2.0}
    unsaved.saved(11.0)
    assert unsaved.ages(12.0) == {MODEL: 0.0, NEWER: 1.0}
    lanes.retire(MODEL)
    assert set(unsaved.ages(13.0)) == {NEWER}
