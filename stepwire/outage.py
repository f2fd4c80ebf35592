"""How long steps wait while no server answers."""

from __future__ import annotations

import asyncio

from stepwire import errors


class Outage:
    def __init__(self, retry_for: float) -> None:
        """`retry_for`: seconds that a step may wait from the moment the server is missed."""
        self.retry_for = retry_for
        self._reason: errors.Unavailable | None = None
        self._limits: set[asyncio.Timeout] = set()

    def limit(self) -> asyncio.Timeout:
        """To wait under, at once; to be forgotten when the wait is over."""
        limit = asyncio.timeout(self.retry_for if self._reason else None)
        self._limits.add(limit)
        return limit

    def forget(self, limit: asyncio.Timeout) -> None:
        self._limits.discard(limit)

    def begin(self, reason: errors.Unavailable) -> None:
        self._reason = reason
        end = asyncio.get_running_loop().time() + self.retry_for
        for limit in self._limits:
            if limit.when() is None:
                limit.reschedule(end)

    def end(self) -> None:
        self._reason = None
        for limit in self._limits:
            # One that has run out a moment ago stays so.
            if not limit.expired():
                limit.reschedule(None)

    def error(self) -> errors.Unavailable:
        reason = f": {self._reason}" if self._reason else ""
        return errors.Unavailable(f"no server answered for {self.retry_for:g} s{reason}")
