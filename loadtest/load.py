"""What a run asks of a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepwire.channel import Security

Protocol = Literal["native", "fleet", "triton"]
Arrivals = Literal["even", "poisson", "together"]

_INTERVALS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds."""
_MOST_INTERVALS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is loaded, and over how many connections of each process."""

    address: str
    security: Security
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One run. Times in seconds, counted from when all streams are at their full rate."""

    model: str
    version: int | None
    """None: the newest."""
    protocol: Protocol
    streams: int
    rate: float | None
    """Steps a second of each stream; None: each step waits for the answer before it."""
    arrivals: Arrivals | Literal["recorded"]
    duration: float
    ramp: float
    """Before the run, in which streams begin one after another; its steps are not counted."""
    drain: float
    """How long answers are awaited when the last step was due."""
    seed: int

    @property
    def asked(self) -> float | None:
        """Steps a second, of all streams together."""
        return None if self.rate is None else self.streams * self.rate

    @property
    def interval(self) -> float:
        """The grain of everything that is drawn over time."""
        for interval in _INTERVALS:
            if self.duration <= _MOST_INTERVALS * interval:
                return interval
        return self.duration / _MOST_INTERVALS
