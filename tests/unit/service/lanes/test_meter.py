from __future__ import annotations

import pytest

from service.core.run_cost import RunCost
from service.lanes.meter import Meter


def runs(meter: Meter, count: int, rows: int, seconds: float) -> int:
    """How many of so many runs were timed, each of which took as long."""
    timed = 0
    for _ in range(count):
        if meter.begin(rows):
            meter.note(rows, seconds)
            timed += 1
    return timed


def test_of_short_runs_one_in_some_stands_for_all() -> None:
    meter = Meter(RunCost(1e-5, 1e-6))
    timed = runs(meter, 1000, 8, 2e-5)
    assert 10 < timed < 100
    assert meter.spent == pytest.approx(1000 * 2e-5, rel=0.02)


def test_every_long_run_is_timed() -> None:
    meter = Meter(RunCost(1e-5, 1e-3))
    assert runs(meter, 10, 2, 0.5) == 10
    assert meter.spent == pytest.approx(5.0)


def test_a_run_of_several_threads_takes_more_of_the_processor() -> None:
    meter = Meter(RunCost(1.0, 0.0, processors=2.0))
    runs(meter, 1, 1, 1.0)
    assert meter.spent == 2.0


def test_a_step_costs_what_lone_runs_took() -> None:
    meter = Meter(RunCost(1e-5, 1e-6))
    runs(meter, 1000, 8, 1.0)
    assert meter.step_seconds == 1e-5
    runs(meter, 5000, 1, 3e-5)
    assert 1e-5 < meter.step_seconds <= 3e-5


def test_a_long_run_does_not_stand_for_the_short_ones_before_it() -> None:
    meter = Meter(RunCost(1e-5, 1e-3))
    for _ in range(200):
        runs(meter, 15, 1, 1e-5)
        runs(meter, 1, 8, 1e-2)
    assert meter.spent == pytest.approx(200 * (15 * 1e-5 + 1e-2), rel=0.02)


def test_of_two_kinds_of_runs_by_turns_both_are_timed() -> None:
    meter = Meter(RunCost(1e-5, 0.0))
    for _ in range(1700):
        runs(meter, 1, 1, 1e-5)
        runs(meter, 1, 8, 3e-5)
    assert meter.spent == pytest.approx(1700 * 4e-5, rel=0.05)
