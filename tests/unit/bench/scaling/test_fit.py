"""Costs are found again in what they make, and none is negative."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scaling import fit
from bench.scaling.costs import Costs


def test_a_turn_by_hand() -> None:
    # 1000 messages/s, two in a turn: 2 ms from turn to turn, of which 2 · 150 µs are worked.
    load = fit.spent(150.0, 1000.0, 2.0, known_us=40.0)
    assert load == fit.Spent(cpu_us=260.0, messages=2.0, idle_us=1700.0)


def test_a_side_that_is_never_idle_is_not_idle_less_than_nothing() -> None:
    assert fit.spent(150.0, 10_000.0, 2.0).idle_us == 0.0


@given(st.floats(1.0, 300.0), st.floats(1.0, 300.0), st.floats(1.0, 300.0))
def test_costs_are_found_again(turn: float, message: float, cold: float) -> None:
    costs = Costs(turn, cold, message)
    loads = [
        fit.Spent(costs.of(count, idle), count, idle)
        for count, idle in ((1, 0.0), (1, 2000.0), (8, 0.0), (3, 400.0), (64, 0.0))
    ]
    assert fit.turns(loads) == pytest.approx((turn, message, cold), rel=1e-6)


def test_a_cost_that_would_be_negative_is_zero() -> None:
    # Twice as many rows for less than twice the time and less than nothing at none.
    slope, start = fit.nonnegative([[1.0, 1.0], [2.0, 1.0]], [1.0, 2.5])
    assert start == 0.0 and slope > 0.0


def test_errors_count_by_their_share_of_what_was_measured() -> None:
    """1 and 1000 apart: the fit takes the small load as seriously as the large one."""
    [cost] = fit.nonnegative([[1.0], [100.0]], [2.0, 100.0])
    assert cost == pytest.approx((0.5 + 1.0) / (0.25 + 1.0))
