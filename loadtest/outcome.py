"""What a run came to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from loadtest import wording
from loadtest.histogram import Histogram
from loadtest.interval import Interval, together
from loadtest.load import Load
from loadtest.talkers.talker import Served

LATE = 1e-3
"""Seconds from which on the loader itself counts as late."""
_LATE_SHARE = 0.2
"""Of the latency at the same percentile: beyond it the figures are partly the loader's own."""
_BUSY = 0.95
"""Of a core: a process that is busier sends no faster."""


@dataclass(frozen=True)
class Outcome:
    load: Load
    served: Served
    processes: int
    intervals: dict[int, Interval]
    """By number: 0 begins at time 0, those below are the ramp."""
    elapsed: float
    """Seconds of the run that took place."""
    interrupted: bool
    busy: tuple[float, ...]
    """The share of a core that each process took."""
    broken: str | None = None
    """How a process of the loader died, which interrupted the run; None: none did."""

    @cached_property
    def total(self) -> Interval:
        """Without the ramp."""
        return together([each for number, each in self.intervals.items() if number >= 0])

    @property
    def latency(self) -> Histogram:
        return self.total.latency

    @property
    def rate(self) -> float:
        """Answers a second, of those that came before the run was over.

        In a steady run as many answer steps of the ramp as come too late. A server that makes up
        for the ramp's backlog gives more of them than steps were due: these do not count.
        """
        reached = min(self.total.in_time, self.total.due)
        return reached / self.elapsed if self.elapsed else 0.0

    @property
    def unjudged(self) -> bool:
        """It says nothing of the load that was asked for: it ended before the first step, or
        without a part of the loader.
        """
        return self.broken is not None or (self.interrupted and not self.total.due)

    @property
    def errors(self) -> int:
        return self.total.errors.total()

    @property
    def mean_batch(self) -> float | None:
        """Of an answer; None where the protocol does not tell."""
        batches = self.total.batches
        if not batches:
            return None
        # A run of n streams gives n answers: answers over runs.
        return batches.total() / sum(count / size for size, count in batches.items())

    @property
    def misses(self) -> float | None:
        """The share of the steps that were answered after the next one was due, or never."""
        if self.load.rate is None:
            return None
        return self.total.misses / self.total.due if self.total.due else 0.0

    @property
    def late(self) -> float:
        """The share of the steps that the loader turned to over a millisecond late."""
        return self.total.lateness.share_above(LATE)

    @property
    def loader_limit(self) -> str | None:
        """What says that the loader, not the server, was the limit; None if nothing does."""
        lateness, latency = self.total.lateness.percentile(99), self.latency.percentile(99)
        if lateness > max(LATE, _LATE_SHARE * latency):
            return f"the loader fell behind its schedule: {wording.duration(lateness)} at p99"
        if self.busy and max(self.busy) > _BUSY:
            return f"a process of the loader was {max(self.busy):.0%} busy"
        return None
