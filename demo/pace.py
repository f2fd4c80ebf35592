"""When timesteps begin, and until when their answers are of use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

Wait = Callable[[int], None]
"""Returns when a timestep, counted from 0, is due."""


def waiting(period: float) -> Wait:
    """Timestep n is due n periods, in seconds, after the first: a delay is caught up."""
    started: float | None = None

    def wait(timestep: int) -> None:
        nonlocal started
        now = time.monotonic()
        started = now if started is None else started
        time.sleep(max(0.0, started + timestep * period - now))

    return wait


class Clock(Protocol):
    """Time in seconds; its origin is free."""

    def now(self) -> float: ...
    async def sleep_until(self, when: float) -> None: ...


class RealClock:
    """Monotonic time."""

    def now(self) -> float:
        return time.perf_counter()

    async def sleep_until(self, when: float) -> None:
        await asyncio.sleep(when - self.now())


class Pace:
    """Timestep n begins n periods after the first: a delay is caught up, and never adds up."""

    def __init__(self, clock: Clock, period: float, *, waits: bool = True) -> None:
        """`period`: seconds. A pace that does not `wait` begins each timestep when it can."""
        self._clock = clock
        self.period = period
        self._waits = waits
        self._start: float | None = None

    async def begin(self, timestep: int) -> float:
        """Waits for the timestep, of which 0 begins at once, and returns its deadline."""
        now = self._clock.now()
        if not self._waits:
            return now + self.period
        if self._start is None:
            self._start = now - timestep * self.period
        due = self._start + timestep * self.period
        if due > now:
            await self._clock.sleep_until(due)
        return due + self.period
