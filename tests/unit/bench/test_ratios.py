"""Ratios are those of neighbouring rounds, not of the medians."""

import pytest

from bench.ratios import CPU, CPU_RATE, MESSAGE_RATE, P50, Goal, Pairs, row_of, spread
from tests.unit.bench.rounds import a_round


def test_a_drift_that_both_share_leaves_the_ratio_alone() -> None:
    pairs = Pairs(
        streams=64,
        floor=[a_round(rate) for rate in (1000.0, 2000.0, 4000.0)],
        service=[a_round(rate) for rate in (800.0, 1600.0, 3600.0)],
    )
    row = row_of(pairs, MESSAGE_RATE)
    assert (row.ratio, min(row.ratios), max(row.ratios)) == (0.8, 0.8, 0.9)


def test_the_unit_cost_of_a_rate_is_the_time_per_message() -> None:
    pairs = Pairs(streams=64, floor=[a_round()], service=[a_round(rate=20_000.0)])
    assert row_of(pairs, MESSAGE_RATE).unit_cost_us == 50.0
    assert row_of(pairs, P50).unit_cost_us == 100.0


def test_a_goal_is_reached_from_its_own_side() -> None:
    floor, faster, slower = [a_round(rate=1000.0)], [a_round(rate=910.0)], [a_round(rate=890.0)]
    assert row_of(Pairs(64, floor, faster), MESSAGE_RATE, Goal(0.9)).reached
    assert not row_of(Pairs(64, floor, slower), MESSAGE_RATE, Goal(0.9)).reached
    assert row_of(Pairs(1, floor, slower), P50, Goal(1.0)).reached
    assert not row_of(Pairs(1, floor, slower), P50, Goal(0.9)).reached


def test_without_a_goal_everything_is_reached() -> None:
    row = row_of(Pairs(streams=64, floor=[a_round()], service=[a_round(cpu_us=500.0)]), CPU)
    assert row.ratio == 10.0 and row.goal is None and row.reached


def test_steps_per_second_of_cpu_are_the_inverse_of_its_cost() -> None:
    pairs = Pairs(256, [a_round(cpu_us=50.0)], [a_round(cpu_us=5.0)])
    row = row_of(pairs, CPU_RATE, Goal(5.0))
    assert row.measured == (200_000.0,) and row.ratio == pytest.approx(10.0) and row.reached


def test_the_spread_is_a_share_of_the_median() -> None:
    assert spread([a_round(rate) for rate in (900.0, 1000.0, 1100.0)]) == 0.2


def test_busy_is_the_share_of_a_core() -> None:
    assert a_round(rate=10_000.0, cpu_us=50.0).busy == 0.5
