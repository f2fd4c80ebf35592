"""What a reader waits for, resumed in the very turn in which it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any


class Arrival:
    """Awaited by one task at a time, and again. A future as tasks see it, which `come` resumes
    at once.

    `asyncio.Future` would have the task run in the loop's next turn, behind another look at every
    socket; where nothing else runs there is no need to wait for that. Who waits may be resumed
    for nothing, and looks for itself.
    """

    __slots__ = ("_asyncio_future_blocking", "_context", "_is_cancelled", "_loop", "_wake")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asyncio_future_blocking = False
        self._loop = loop
        self._wake: Callable[[Any], object] | None = None
        self._context: Context
        self._is_cancelled = False

    @property
    def is_awaited(self) -> bool:
        return self._wake is not None

    def come(self) -> None:
        """Resumes who waits. Only from the loop itself, never from within a task."""
        wake = self._wake
        if wake is not None:
            self._wake = None
            self._context.run(wake, self)

    def come_soon(self) -> None:
        """Resumes who waits, in the loop's next turn."""
        if self._wake is not None:
            self._loop.call_soon(self.come)

    # What tasks ask of a future.

    def __await__(self) -> Generator[Arrival, None, None]:
        self._is_cancelled = False
        self._asyncio_future_blocking = True
        yield self

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def add_done_callback(self, wake: Callable[[Any], object], *, context: Context) -> None:
        self._wake, self._context = wake, context

    def cancel(self, msg: object = None) -> bool:
        self._is_cancelled = True
        self.come_soon()
        return True

    def result(self) -> None:
        if self._is_cancelled:
            raise asyncio.CancelledError
