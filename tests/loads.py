"""Loads and what they came to, made for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loadtest.interval import Interval
from loadtest.load import Load
from loadtest.outcome import Outcome
from loadtest.talkers.talker import Served

SERVED = Served("pendulum-gru", 3, "0123456789abcdef" * 4, ("x: float32[2]",))


def load(**changes: Any) -> Load:
    """Four streams of 10 steps a second for 2 s, after a ramp of 1 s."""
    usual: dict[str, Any] = {
        "model": "pendulum-gru",
        "version": None,
        "protocol": "native",
        "streams": 4,
        "rate": 10.0,
        "arrivals": "even",
        "duration": 2.0,
        "ramp": 1.0,
        "drain": 1.0,
        "seed": 0,
    }
    return Load(**{**usual, **changes})


def interval(
    latencies: Sequence[float] = (),
    *,
    lateness: Sequence[float] = (),
    misses: int = 0,
    errors: Mapping[str, int] | None = None,
    batches: Mapping[int, int] | None = None,
) -> Interval:
    """`latencies`, in seconds: of steps that were all answered where they were due."""
    answers = len(latencies)
    made = Interval(answered=answers, came=answers, in_time=answers, misses=misses)
    made.errors.update(errors or {})
    made.batches.update(batches or {})
    made.due = made.answered + made.errors.total()
    made.latency.record(latencies)
    made.lateness.record(lateness)
    return made


def outcome(*intervals: Interval, elapsed: float | None = None, **changes: Any) -> Outcome:
    """`intervals`: from time 0 on, each of 0.25 s. The keywords are of the outcome or its load."""
    of_outcome = {"served", "processes", "interrupted", "busy", "broken"}
    asked = load(**{name: value for name, value in changes.items() if name not in of_outcome})
    usual: dict[str, Any] = {
        "served": SERVED,
        "processes": 1,
        "interrupted": False,
        "busy": (0.2,),
        **{name: value for name, value in changes.items() if name in of_outcome},
    }
    return Outcome(
        load=asked,
        intervals=dict(enumerate(intervals)),
        elapsed=asked.interval * len(intervals) if elapsed is None else elapsed,
        **usual,
    )
