"""From values to places."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.report.scales import Scale, linear, logarithmic

Make = Callable[[list[float], float, float], Scale]

VALUES = st.lists(st.floats(1e-6, 1e6), min_size=1)


def test_a_linear_scale_begins_at_0_and_ends_at_a_round_value() -> None:
    scale = linear([3.0, 13.1], 0.0, 100.0)
    assert (scale.low, scale.high) == (0.0, 14.0)
    assert scale.ticks() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert scale.place(7.0) == 50.0


def test_a_logarithmic_scale_gives_each_doubling_the_same_room() -> None:
    scale = logarithmic([0.0011, 0.9], 0.0, 300.0)
    assert (scale.low, scale.high) == (0.001, 1.0)
    assert scale.ticks() == pytest.approx([1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1])
    assert scale.place(0.02) - scale.place(0.01) == pytest.approx(
        scale.place(0.4) - scale.place(0.2)
    )


def test_many_decades_are_marked_alone() -> None:
    assert logarithmic([1.0, 1e5], 0.0, 1.0).ticks() == pytest.approx([1, 10, 100, 1e3, 1e4, 1e5])


def test_what_is_outside_is_at_the_edge() -> None:
    scale = Scale(0.0, 10.0, 100.0, 0.0)
    assert (scale.place(-5.0), scale.place(99.0)) == (100.0, 0.0)


@pytest.mark.parametrize("make", [linear, logarithmic])
@pytest.mark.parametrize("values", [[], [0.0], [0.0, 0.0]])
def test_nothing_has_a_scale_too(make: Make, values: list[float]) -> None:
    scale = make(values, 0.0, 1.0)
    assert scale.low < scale.high and scale.ticks()


@given(VALUES, st.sampled_from([linear, logarithmic]))
def test_every_value_has_a_place_of_its_own_on_the_drawing(values: list[float], make: Make) -> None:
    scale = make(values, 400.0, 10.0)
    assert all(scale.low <= value * 1.00001 and value <= scale.high * 1.00001 for value in values)
    assert all(10.0 <= scale.place(value) <= 400.0 for value in values)
    assert 2 <= len(scale.ticks()) <= 14
