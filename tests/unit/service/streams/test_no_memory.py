"""Streams that find no memory when they move, or are changed from outside."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from service.core.directory import Directory
from service.core.errors import StreamMoved, StreamNotFound, TooManyStreams
from service.core.streams import Mode, ModelKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.stepper import Stepper
from tests.fakes import MODEL, Connection, accumulator_lane, request
from tests.outside import Alone, named, total
from tests.replicas import Replica, Shared

NEWER = ModelKey(MODEL.name, 2)


class Short(Stepper):
    """Has no memory for so many states that are restored."""

    def __init__(self, short: int) -> None:
        super().__init__(accumulate, accumulator_signature())
        self.short = short

    def restore(self, slot: int, states: Sequence[bytes]) -> None:
        if self.short:
            self.short -= 1
            raise MemoryError("a state")
        super().restore(slot, states)


def lane_of(stepper: Stepper, model: ModelKey = MODEL) -> Lane:
    return Lane(model, "digest", stepper, window=4, max_batch=8)


async def test_a_stream_that_finds_none_at_the_newer_version_is_left_to_the_store() -> None:
    store = Shared()
    made, other = Replica(store), Replica(store)
    session = await made.create()
    await session.add(1.0)
    newer = lane_of(Short(1), NEWER)
    made.lanes.put(newer)
    other.lanes.put(accumulator_lane(model=NEWER))
    with pytest.raises(TooManyStreams):
        await made.engine.handover.move(session.opened.stream, newer)
    assert isinstance(session.connection.ended, StreamMoved)
    assert await (await other.resume()).add(2.0) == 3.0
    await made.engine.close_down(1.0)


async def test_it_goes_on_where_it_was_if_there_is_no_store() -> None:
    newer = lane_of(Short(1), NEWER)
    lanes = Lanes({MODEL: accumulator_lane(), NEWER: newer}, {})
    made = Engine(lanes, Directory(limit=4, idle_limit=600.0))
    opened = await made.open(request(version=MODEL.version), Connection())
    lanes.retire(MODEL)
    with pytest.raises(TooManyStreams):
        await made.handover.move(opened.stream, newer)
    again = await made.open(request(mode=Mode.RECONNECT), Connection())
    assert (again.stream.model, again.next_step) == (MODEL, 0)
    await made.close_down(1.0)


async def test_an_unloaded_version_leaves_with_the_last_stream_that_moves() -> None:
    made = Replica(Shared())
    session = await made.create()
    made.lanes.put(accumulator_lane(model=NEWER))
    made.lanes.retire(MODEL)
    assert await made.engine.handover.move(session.opened.stream, made.lanes[NEWER])
    assert [lane.model for lane in made.engine.lanes()] == [NEWER]


async def test_a_put_leaves_the_stream_as_it_was() -> None:
    stepper = Short(0)
    replica = Alone(lane=lane_of(stepper))
    session = await replica.create()
    await session.add(5.0)
    stepper.short = 1
    with pytest.raises(TooManyStreams):
        await replica.engine.states.put(named(), total(100.0))
    assert isinstance(session.connection.ended, TooManyStreams)
    assert await (await replica.resume()).add(2.0) == 7.0


async def test_a_stream_that_cannot_be_put_back_either_is_not_there() -> None:
    stepper = Short(0)
    replica = Alone(lane=lane_of(stepper))
    session = await replica.create()
    stepper.short = 2
    with pytest.raises(TooManyStreams):
        await replica.engine.states.put(named(), total(100.0))
    assert isinstance(session.connection.ended, TooManyStreams)
    with pytest.raises(StreamNotFound):
        await replica.resume()
    await replica.engine.close_down(1.0)
