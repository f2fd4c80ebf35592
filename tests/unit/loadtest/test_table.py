"""A run's figures for a terminal."""

from __future__ import annotations

from loadtest.finding import Tried
from loadtest.table import advice, table, trial_heading, trial_line
from tests.loads import interval, outcome

STEADY = interval([0.001] * 98 + [0.004] * 2, lateness=[0.0] * 100, batches={2: 100}, misses=1)


def test_the_table_of_a_run() -> None:
    STEADY.queued, STEADY.computed = 0.002, 0.05
    assert table(outcome(STEADY, rate=100.0)) == (
        "pendulum-gru/3, 4 streams, 100/s each, 2 s by the native protocol\n"
        "  asked       400/s\n"
        "  reached     400/s, 100 of 100 steps answered\n"
        "  latency     p50 1.00 ms, p90 1.00 ms, p99 4.00 ms, p99.9 4.00 ms, max 4.00 ms\n"
        "  server      20 µs queued, 500 µs computed (mean)\n"
        "  batch size  2 (mean)\n"
        "  misses      1.00%, not answered before the next step was due\n"
        "  errors      none\n"
        "  late        0% sent over 1 ms late by the loader (p99 0 µs)"
    )


def test_errors_are_told_by_kind_the_most_frequent_first() -> None:
    told = table(outcome(interval(errors={"Unavailable": 2, "RunFailed": 1200})))
    assert "  errors      1,200 RunFailed, 2 Unavailable\n" in told
    assert "  latency     none\n" in told


def test_a_closed_loop_asks_for_no_rate_and_misses_nothing() -> None:
    told = table(outcome(interval([0.001]), rate=None, streams=1))
    assert told.startswith("pendulum-gru/3, 1 stream, one step after the other, 2 s by")
    assert "asked" not in told and "misses" not in told


def test_trials_stand_in_columns() -> None:
    tried = Tried(100.0, "double", outcome(STEADY, rate=100.0), "p99 is 4.00 ms")
    heading, line = trial_heading(), trial_line(tried)
    assert line.endswith("4.00 ms  4.00 ms  does not hold: p99 is 4.00 ms")
    assert line.index("400/s") + len("400/s") == heading.index("asked") + len("asked")


def test_advice_is_given_where_the_loader_was_the_limit() -> None:
    assert advice(outcome(STEADY)) is None
    told = advice(outcome(STEADY, busy=(0.99,)))
    assert told and told.startswith("a process of the loader was 99% busy; these latencies are")
