"""Coroutines for those who have no event loop: run on one that all clients of a process share."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from stepwire.errors import StreamClosed

T = TypeVar("T")


class _Shared:
    """An event loop on a daemon thread, for all clients of the process.

    It never ends: gRPC would hand what comes late for a loop that has ended to the next one,
    which complains.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """In the child of a fork, which takes no threads along."""
        self._making = threading.Lock()
        self._made: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._making:
            if self._made is None:
                self._made = asyncio.new_event_loop()
                threading.Thread(
                    target=self._made.run_forever, name="stepwire-clients", daemon=True
                ).start()
            return self._made


_shared = _Shared()
os.register_at_fork(after_in_child=_shared.forget)


class Runner:
    """Runs the work of one client until it is stopped."""

    def __init__(self) -> None:
        self._loop = _shared.loop()
        self._stopped = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for the work; interrupting the wait cancels it. Raises StreamClosed if stopped."""
        if self._stopped:
            work.close()
            raise StreamClosed("this client is closed: connect again")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        self._stopped = True
