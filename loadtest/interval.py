"""What was observed in one stretch of time, by one process or by all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from loadtest.histogram import Histogram


@dataclass(slots=True)
class Interval:
    """Steps count where they were due, answers' batches where they came. Times in seconds."""

    due: int = 0
    latency: Histogram = field(default_factory=Histogram)
    """From when a step was due; of one without an answer, how long it was waited for."""
    lateness: Histogram = field(default_factory=Histogram)
    """From when a step was due until the loader turned to it."""
    answered: int = 0
    misses: int = 0
    """Steps answered after the next one of their stream was due, or not at all."""
    errors: Counter[str] = field(default_factory=Counter)
    came: int = 0
    """Answers that came in this stretch, whenever their steps were due."""
    in_time: int = 0
    """Of these, before the run was over."""
    batches: Counter[int] = field(default_factory=Counter)
    """Of these answers: how many came from a run of so many streams."""
    queued: float = 0.0
    computed: float = 0.0
    """Sums over these answers."""

    def add(self, other: Interval) -> None:
        self.due += other.due
        self.latency.add(other.latency)
        self.lateness.add(other.lateness)
        self.answered += other.answered
        self.misses += other.misses
        self.errors += other.errors
        self.came += other.came
        self.in_time += other.in_time
        self.batches += other.batches
        self.queued += other.queued
        self.computed += other.computed


def together(intervals: list[Interval]) -> Interval:
    total = Interval()
    for interval in intervals:
        total.add(interval)
    return total
