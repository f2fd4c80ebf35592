"""An event loop that does not wait: where nothing is ready its clock leaps to what is due next."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

_ROUND = 1e-9
"""Seconds."""


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._selector_of_time = _Leaping()
        super().__init__(self._selector_of_time)

    def time(self) -> float:
        return self._selector_of_time.now

    def leap(self, seconds: float) -> None:
        """Nothing else runs meanwhile, as if a callback had taken so long."""
        self._selector_of_time.now += seconds


class _Leaping(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everyone waits, and nothing is due")
        # A loop runs what is due within its clock's resolution. Who then finds that it is not
        # quite due would wait for ever if going round took no time.
        self.now += _ROUND
        if not ready and timeout:
            self.now += timeout
        return ready


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """For a conftest.py: its tests run on this loop. However busy the machine is, nothing is late
    there, and nothing is waited for. Nor may a thread be: time would leap meanwhile.
    """
    return {"virtual": VirtualLoop}
