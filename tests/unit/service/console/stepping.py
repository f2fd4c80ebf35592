"""Streams that step, without an engine."""

from __future__ import annotations

from service.core.steps import Step
from service.core.streams import Stream
from service.lanes.lane import Lane
from tests.fakes import number, turn_of


def steps(lane: Lane, stream: Stream, count: int, x: float = 1.0) -> None:
    """So many, in a run each."""
    for _ in range(count):
        lane.submit(stream, Step(lane.next_step(stream), (number(x),), 0.0))
        turn_of(lane)
