"""Counts that go on when a model version comes into service again."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.counts import (
    LaneReading,
    RowCounts,
    RowsReading,
    StepCounts,
    StreamCounts,
)
from service.core.errors import StepFault
from service.core.histogram import Histogram
from service.core.streams import ModelKey

GRU = ModelKey("gru", 3)
SOME = st.integers(1, 99)


@st.composite
def histograms(draw: st.DrawFn) -> Histogram:
    histogram = Histogram()
    for value in draw(st.lists(st.sampled_from((0.125, 0.5, 8.0)), min_size=1, max_size=9)):
        histogram.add(value)
    return histogram


TIMES = histograms()
STEPS = st.builds(
    StepCounts,
    *(SOME, SOME, SOME, SOME),
    faults=st.builds(Counter, st.dictionaries(st.sampled_from(StepFault), SOME, min_size=1)),
    sizes=st.builds(lambda runs: defaultdict(int, {3: runs}), SOME),
    queue=TIMES,
    compute=TIMES,
    seconds=st.builds(lambda spent: defaultdict(float, {3: spent}), SOME),
    last=SOME,
    write=TIMES,
    jitter=TIMES,
)
STREAMS = st.builds(StreamCounts, SOME, SOME, SOME, SOME, lost=st.builds(Counter, lost=SOME))
ROWS = st.builds(RowCounts, SOME, SOME)


def numbers(counts: StepCounts | StreamCounts | RowCounts) -> dict[str, Any]:
    """Every field, by name."""
    return {each.name: _number(getattr(counts, each.name)) for each in fields(counts)}


def _number(value: Any) -> Any:
    if isinstance(value, Histogram):
        return [*value.counts, value.total]
    return dict(value) if isinstance(value, dict) else value


def added(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {key: one.get(key, 0) + other.get(key, 0) for key in one | other}
    if isinstance(one, list):
        return [sum(pair) for pair in zip(one, other, strict=True)]
    return one + other


@pytest.mark.parametrize("kind", [STEPS, STREAMS, ROWS], ids=["steps", "streams", "rows"])
@given(data=st.data())
def test_every_count_goes_on_from_the_one_before(
    kind: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    former, later = data.draw(kind), data.draw(kind)
    before, since = numbers(former), numbers(later)
    later.add(former)
    expected = {name: added(before[name], since[name]) for name in before}
    if "last" in before:
        expected["last"] = max(before["last"], since["last"])
    assert numbers(later) == expected
    assert numbers(former) == before


def reading(device: RowsReading | None) -> LaneReading:
    steps = StepCounts(ran=40)
    return LaneReading(GRU, 5, steps, StreamCounts(opened=7), detached=2, device=device)


def test_of_a_version_out_of_service_the_counts_stay() -> None:
    past = reading(RowsReading(8, 5, RowCounts(30, 25))).out_of_service()
    assert (past.slots, past.detached, past.steps.ran, past.streams.opened) == (0, 0, 40, 7)
    assert past.device == RowsReading(0, 0, RowCounts(30, 25))


@pytest.mark.parametrize("former", [None, RowsReading(0, 0, RowCounts(30, 25))])
@pytest.mark.parametrize("later", [None, RowsReading(8, 5, RowCounts())])
def test_a_lane_takes_on_what_both_have(
    former: RowsReading | None, later: RowsReading | None
) -> None:
    lane = LaneReading(GRU, 0, StepCounts(), device=later)
    reading(former).add_to(lane)
    assert (lane.steps.ran, lane.streams.opened) == (40, 7)
    if former and later:
        assert later.counts == RowCounts(30, 25)
