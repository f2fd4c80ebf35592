"""The trials of a search, judged."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from loadtest.criteria import criterion
from loadtest.finding import Found, Tried, failure, find
from loadtest.interval import Interval
from loadtest.load import Load
from loadtest.outcome import Outcome
from loadtest.search import Trial, search
from tests.loads import interval, load, outcome

CRITERIA = [criterion("p99<10ms")]
GOOD = interval([0.001] * 100)


def slow() -> Interval:
    """Half of its answers come when the time is over."""
    made = interval([0.001] * 100)
    made.in_time = 50
    return made


@pytest.mark.parametrize(
    ("of", "told"),
    [
        (outcome(GOOD), None),
        (outcome(interval([0.02] * 100)), "p99 is 20.0 ms"),
        (outcome(interval([0.001] * 99, errors={"RunFailed": 1})), "1 error: RunFailed"),
        (outcome(slow()), "its answers do not keep pace"),
        (outcome(interval()), "p99 is not measured"),
        (
            outcome(interval([0.02] * 100, lateness=[0.015] * 100)),
            "p99 is 20.0 ms; the loader fell behind its schedule: 15.0 ms at p99",
        ),
        (outcome(interval([0.005] * 100, lateness=[0.004] * 100)), None),
    ],
    ids=["good", "slow", "errors", "behind", "nothing", "loader's fault", "held all the same"],
)
def test_a_load_holds_or_it_is_told_why_not(of: Outcome, told: str | None) -> None:
    assert failure(of, CRITERIA) == told


def found(capacity: float, interrupted_at: int | None = None) -> tuple[Found, Sequence[Tried]]:
    told: list[Tried] = []

    def run(of: Load) -> Outcome:
        assert of.rate
        latency = 0.001 if of.rate <= capacity else 0.1
        interrupted = interrupted_at == len(told)
        return outcome(interval([latency] * 100), rate=of.rate, interrupted=interrupted)

    def loaded(trial: Trial) -> Load:
        return load(rate=trial.level)

    return find(search(10.0), loaded, CRITERIA, run, told.append), told


def test_the_best_is_the_trial_that_confirmed_it() -> None:
    result, told = found(capacity=33.0)
    assert result.best is result.trials[-1] and result.best.purpose == "confirm"
    assert result.best.level == pytest.approx(33.0, rel=0.05)
    assert tuple(told) == result.trials


def test_the_limit_is_the_lowest_that_failed_above_it() -> None:
    result, _ = found(capacity=33.0)
    assert result.limit and result.best
    assert result.best.level < 33.0 < result.limit.level <= 1.05 * result.best.level


def test_nothing_may_hold() -> None:
    result, _ = found(capacity=0.0)
    assert (result.best, result.limit, result.interrupted) == (None, None, False)
    assert result.nothing("p99<10ms") == "no load that was tried holds p99<10ms"


def test_what_is_not_confirmed_is_told_apart_from_what_never_held() -> None:
    def run(of: Load) -> Outcome:
        latency = 0.1 if of.duration > 2 or of.rate == 20.0 else 0.001
        return outcome(interval([latency] * 100), rate=of.rate)

    def loaded(trial: Trial) -> Load:
        return load(rate=trial.level, duration=4.0 if trial.purpose == "confirm" else 2.0)

    result = find(search(10.0, highest=20.0), loaded, CRITERIA, run, lambda tried: None)
    assert result.best is None
    assert "again when it was to be confirmed" in result.nothing("p99<10ms")


def test_an_interrupt_ends_the_search() -> None:
    result, told = found(capacity=33.0, interrupted_at=2)
    assert result.interrupted and result.best is None and len(told) == 2
