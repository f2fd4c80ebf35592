from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.arrivals import Arrivals
from service.core.histogram import Histogram
from service.core.slots import as_index


def arrivals(slots: int) -> tuple[Arrivals, Histogram]:
    jitter = Histogram()
    made = Arrivals(jitter)
    made.reserve(slots)
    for slot in range(slots):
        made.start(slot)
    return made, jitter


def test_a_steady_stream_has_no_jitter() -> None:
    made, jitter = arrivals(1)
    for step in range(10):
        made.add(0, step * 0.25)
    assert jitter.counts[0] == sum(jitter.counts) == 8
    assert jitter.total == 0


def test_jitter_is_how_much_an_interval_differs_from_the_one_before() -> None:
    made, jitter = arrivals(1)
    for received in (0.0, 0.5, 1.0, 1.75, 2.0):
        made.add(0, received)
    assert jitter.total == 0.0 + 0.25 + 0.5
    assert sum(jitter.counts) == 3


def test_a_stream_has_no_jitter_from_the_former_one_of_its_slot() -> None:
    made, jitter = arrivals(2)
    for received in (0.0, 1.0, 5.0):
        made.add(0, received)
    made.start(0)
    made.add(0, 100.0)
    made.add_each(np.array([0, 1]), np.array([101.0, 101.0]))
    assert sum(jitter.counts) == 1
    made.add(0, 102.0)
    assert (sum(jitter.counts), jitter.total) == (2, 3.0)


def test_room_for_more_slots_changes_nothing_for_those_there_are() -> None:
    made, jitter = arrivals(1)
    made.add(0, 0.0)
    made.add(0, 1.0)
    made.reserve(8)
    made.reserve(4)
    made.add(0, 3.0)
    assert jitter.total == 1.0


TURNS = st.lists(
    st.tuples(st.sets(st.integers(0, 4), min_size=1), st.floats(0, 2)), min_size=1, max_size=12
)


@given(TURNS)
def test_steps_of_a_batch_are_counted_as_those_that_come_alone(
    turns: list[tuple[set[int], float]],
) -> None:
    (alone, of_alone), (together, of_together), (blocks, of_blocks) = (
        arrivals(5) for _ in range(3)
    )
    now = 0.0
    for streams, pause in turns:
        now += pause
        rows = np.array(sorted(streams))
        for row in rows.tolist():
            alone.add(row, now)
        together.add_each(rows, np.full(len(rows), now))
        blocks.add_each(as_index(rows), now)
    assert of_alone.counts == of_together.counts == of_blocks.counts
    assert of_together.total == pytest.approx(of_alone.total)
