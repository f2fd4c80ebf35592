"""Durations, counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.histogram import Histogram

SECONDS = st.floats(0.0, 3600.0)


def of(*seconds: float) -> Histogram:
    made = Histogram()
    made.record(seconds)
    return made


def test_whole_microseconds_are_exact_below_two_milliseconds() -> None:
    made = of(*(micros * 1e-6 for micros in range(1, 2001)))
    assert made.percentile(50) == pytest.approx(1000e-6)
    assert made.percentile(99.9) == pytest.approx(1998e-6)
    assert made.maximum == pytest.approx(2000e-6)


def test_nothing_has_no_latency() -> None:
    empty = Histogram()
    empty.record([])
    assert (empty.count, empty.percentile(99), empty.mean, empty.curve()) == (0, 0.0, 0.0, [])


def test_a_percentile_is_a_value_that_was_not_exceeded_by_so_many() -> None:
    made = of(*[0.001] * 99, 5.0)
    assert made.percentile(99) == pytest.approx(0.001)
    assert made.percentile(99.1) == made.percentile(100) == 5.0


def test_what_is_longer_than_any_bucket_counts_as_the_longest() -> None:
    made = of(1e9)
    assert made.count == 1 and made.percentile(50) == pytest.approx(2**36 * 1e-6)


def test_a_clock_that_steps_back_gives_no_negative_latency() -> None:
    assert of(-1e-6).percentile(100) == 0.0


def test_the_share_above() -> None:
    assert of(0.0005, 0.001, 0.0011, 3.0).share_above(0.001) == 0.5


def test_the_curve_ends_with_all_of_them_at_the_maximum() -> None:
    *_, last = of(0.001, 0.5, 0.25).curve()
    assert last == (1.0, 0.5)


@given(st.lists(SECONDS, min_size=1, max_size=200), st.floats(0.0, 100.0))
def test_a_percentile_is_within_a_thousandth(seconds: list[float], percent: float) -> None:
    rank = max(1, math.ceil(len(seconds) * percent / 100 - 1e-9))
    exact = sorted(seconds)[rank - 1]
    assert of(*seconds).percentile(percent) == pytest.approx(exact, rel=1.01e-3, abs=1e-6)


@given(st.lists(SECONDS), st.lists(SECONDS))
def test_added_histograms_are_that_of_all(some: list[float], others: list[float]) -> None:
    added, whole = of(*some), of(*some, *others)
    added.add(of(*others))
    assert added.curve() == whole.curve()
    assert added.mean == pytest.approx(whole.mean) and added.maximum == whole.maximum


@given(st.lists(SECONDS, min_size=1))
def test_the_mean_is_not_rounded(seconds: list[float]) -> None:
    assert of(*seconds).mean == pytest.approx(float(np.mean(seconds)))
