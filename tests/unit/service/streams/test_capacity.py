from __future__ import annotations

import dataclasses

import pytest

from service.core.directory import Directory
from service.core.errors import NoCapacity
from service.core.run_cost import RunCost
from service.core.streams import Mode, OpenRequest
from service.engine import Engine
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.stepper import Stepper
from service.streams.capacity import Capacity
from tests.fakes import MODEL, Connection, request

MILLI = 1e-3
MESSAGE = 100e-6


def slow_lane() -> Lane:
    """Says that a lone step takes 900 us, so that with its message it takes a millisecond."""
    stepper = Stepper(accumulate, accumulator_signature(), cost=RunCost(MILLI - MESSAGE, 0.0))
    return Lane(MODEL, "digest", stepper, window=4, max_batch=8)


def engine(max_utilization: float = 0.5) -> Engine:
    directory = Directory(limit=8, idle_limit=60.0)
    return Engine(Lanes({MODEL: slow_lane()}, {}), directory, max_utilization=max_utilization)


def at(rate_hz: float, stream_id: str = "robot", mode: Mode = Mode.CREATE) -> OpenRequest:
    return dataclasses.replace(request(stream_id, mode), rate_hz=rate_hz)


async def test_rates_are_promised_until_no_more_fits() -> None:
    made = engine()
    await made.open(at(300.0, "a"), Connection())
    with pytest.raises(NoCapacity, match=r"300 Hz do not fit.*20\.0% .* for 200\.0 Hz"):
        await made.open(at(300.0, "b"), Connection())
    await made.open(at(199.0, "b"), Connection())
    await made.open(at(0.0, "c"), Connection())


async def test_a_closed_stream_gives_its_rate_back() -> None:
    made, owner = engine(), Connection()
    opened = await made.open(at(400.0, "a"), owner)
    made.close(opened.stream, opened.owner)
    await made.open(at(400.0, "b"), Connection())


async def test_a_detached_stream_keeps_its_promise() -> None:
    made, owner = engine(), Connection()
    opened = await made.open(at(400.0, "a"), owner)
    made.detach(opened.stream, owner)
    with pytest.raises(NoCapacity):
        await made.open(at(400.0, "b"), Connection())
    await made.open(at(400.0, "a", Mode.RESUME), owner)


async def test_a_stream_may_declare_another_rate_when_it_is_resumed() -> None:
    made = engine()
    await made.open(at(400.0, "a"), Connection())
    with pytest.raises(NoCapacity):
        await made.open(at(600.0, "a", Mode.RESUME), Connection())
    await made.open(at(100.0, "a", Mode.RESUME), Connection())
    await made.open(at(390.0, "b"), Connection())


def test_the_cost_of_messages_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = [0.0]
    lane = slow_lane()
    capacity = Capacity(Lanes({MODEL: lane}, {}), 0.5, processor_seconds=lambda: spent[0])
    spent[0] = 10.0
    lane.counts.ran = 1000
    monkeypatch.setattr(Lane, "spent", 0.9)
    with pytest.raises(NoCapacity, match="takes 5500 us"):
        capacity.admit(lane, 1e6)
