"""What a run came to, from what was observed."""

from __future__ import annotations

import pytest

from loadtest.outcome import Outcome
from tests.loads import interval, load, outcome


def test_the_ramp_does_not_count() -> None:
    of = outcome(interval([0.001] * 10))
    with_ramp = Outcome(
        load=of.load,
        served=of.served,
        processes=1,
        intervals={**of.intervals, -1: interval([9.0] * 5, errors={"RunFailed": 3})},
        elapsed=of.elapsed,
        interrupted=False,
        busy=(),
    )
    assert (with_ramp.total.due, with_ramp.errors) == (10, 0)
    assert with_ramp.latency.maximum == 0.001


def test_the_rate_is_of_answers_that_came_in_time() -> None:
    late = interval([0.1] * 40)
    late.in_time = 0
    of = outcome(interval([0.001] * 100), interval([0.001] * 60), late, elapsed=0.5)
    assert of.rate == pytest.approx(320.0)


def test_answers_to_the_steps_of_the_ramp_do_not_lift_the_rate_above_what_was_due() -> None:
    busy = interval([0.001] * 100)
    busy.came = busy.in_time = 150
    assert outcome(busy, elapsed=0.25).rate == pytest.approx(400.0)


def test_the_mean_batch_is_of_runs_not_of_answers() -> None:
    """A run of 10 streams gives 10 answers, one of 1 stream gives 1."""
    assert outcome(interval(batches={10: 10, 1: 1})).mean_batch == pytest.approx(11 / 2)
    assert outcome(interval()).mean_batch is None


def test_a_closed_loop_has_no_misses() -> None:
    assert outcome(interval([0.1], misses=1), rate=None).misses is None
    assert outcome(interval([0.1] * 4, misses=1)).misses == 0.25
    assert outcome(interval()).misses == 0.0


def test_the_loader_is_the_limit_where_it_is_late_or_busy() -> None:
    late = interval([0.010] * 100, lateness=[0.003] * 100)
    assert outcome(late).loader_limit == "the loader fell behind its schedule: 3.00 ms at p99"
    assert outcome(interval([0.001] * 9), busy=(0.3, 0.97)).loader_limit == (
        "a process of the loader was 97% busy"
    )


@pytest.mark.parametrize("lateness", [0.0009, 0.0019])
def test_what_the_loader_adds_may_be_small_by_itself_or_beside_the_latency(lateness: float) -> None:
    assert outcome(interval([0.010] * 100, lateness=[lateness] * 100)).loader_limit is None


@pytest.mark.parametrize(
    ("duration", "interval_"), [(3, 0.25), (30, 0.25), (60, 0.5), (600, 5.0), (86400, 720.0)]
)
def test_what_is_drawn_over_time_is_of_some_hundred_points(
    duration: float, interval_: float
) -> None:
    assert load(duration=float(duration)).interval == interval_
