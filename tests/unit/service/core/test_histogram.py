from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.histogram import SECONDS, SIZES, Histogram

VALUES = st.lists(st.one_of(st.floats(0, 100), st.sampled_from(SECONDS)), max_size=40)


def test_a_value_belongs_to_the_first_bound_that_it_does_not_exceed() -> None:
    histogram = Histogram((1.0, 2.0, 5.0))
    for value in (0.0, 1.0, 1.1, 2.0, 5.0, 5.1):
        histogram.add(value)
    assert histogram.counts == [2, 2, 1, 1]
    assert histogram.total == pytest.approx(14.2)


def test_many_values_are_counted_as_few_are() -> None:
    histogram = Histogram((1.0, 2.0))
    for _ in range(1000):
        histogram.add(1.5)
    histogram.add(3.0)
    assert (histogram.counts, histogram.total) == ([0, 1000, 1], 1503)
    assert (histogram.counts, histogram.total) == ([0, 1000, 1], 1503)


def test_one_value_may_stand_for_many() -> None:
    histogram = Histogram((1.0, 2.0))
    histogram.repeat(1.5, 300)
    assert histogram.counts == [0, 300, 0]
    assert histogram.total == 450


@given(VALUES, VALUES)
def test_values_that_come_as_an_array_are_counted_as_those_that_come_one_by_one(
    first: list[float], others: list[float]
) -> None:
    one_by_one, mixed = Histogram(), Histogram()
    for value in first + others:
        one_by_one.add(value)
    for value in first:
        mixed.add(value)
    mixed.add_each(np.array(others))
    assert mixed.counts == one_by_one.counts
    assert mixed.total == pytest.approx(one_by_one.total)


def test_what_is_no_number_is_passed_over() -> None:
    histogram = Histogram((1.0,))
    histogram.add_each(np.array([0.5, math.nan, 3.0]))
    histogram.add_each(np.array([math.nan]))
    assert histogram.counts == [1, 1]
    assert histogram.total == 3.5


@pytest.mark.parametrize("bounds", [SECONDS, SIZES])
def test_bounds_ascend_and_are_written_short(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
    assert all(float(f"{bound:.4g}") == bound for bound in bounds)
