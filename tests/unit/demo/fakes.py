"""A clock that moves when it is told to, or slept on."""

from __future__ import annotations


class FakeClock:
    """Starts at 100 s. Sleepers wake `oversleeps` seconds late."""

    def __init__(self, oversleeps: float = 0.0) -> None:
        self.time = 100.0
        self.slept: list[float] = []
        self._oversleeps = oversleeps

    def now(self) -> float:
        return self.time

    async def sleep_until(self, when: float) -> None:
        self.slept.append(when)
        self.time = max(self.time, when + self._oversleeps)
