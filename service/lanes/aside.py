"""Aside: long runs leave the event loop to threads, so that it goes on with everything else."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

_HOPS = 16
_WORTH = 40
"""How much longer than the way to a thread and back a run is that goes there. Under load the way
takes several times what it takes here: at ten, fleets lost a tenth of their throughput."""
_NICE = 19
"""Behind the event loop, which has little to do at a time, where both want a processor."""


class Aside:
    def __init__(self, threads: int = 1, worth: float | None = None) -> None:
        """`worth`: seconds of a run from which on it goes aside; None: `measure` tells."""
        self._measures = worth is None
        self._worth = float("inf") if worth is None else worth
        self._limit = threads
        self._under_way: set[Future[None]] = set()
        self._threads = ThreadPoolExecutor(
            threads, thread_name_prefix="run", initializer=_step_back
        )

    @property
    def is_full(self) -> bool:
        """Whether what comes would wait for a thread."""
        return len(self._under_way) >= self._limit

    async def measure(self) -> None:
        """Finds out what the way to a thread and back costs here."""
        if self._measures:
            # The shortest way: a machine that is busy now need not stay so.
            self._worth = _WORTH * min([await self._hop() for _ in range(_HOPS)])

    async def _hop(self) -> float:
        there_and_back = asyncio.Event()
        began = time.perf_counter()
        self.run(lambda: None, there_and_back.set)
        await there_and_back.wait()
        return time.perf_counter() - began

    def takes(self, seconds: float) -> bool:
        """Whether a run that takes so long is to go aside."""
        return seconds >= self._worth

    def run(self, work: Callable[[], None], done: Callable[[], None]) -> None:
        """Does `work` in a thread, and then calls `done` on the event loop. `work` never raises.

        Raises RuntimeError if there is no thread to be had; `work` may be done nonetheless.
        """
        loop = asyncio.get_running_loop()

        def tell(ended: Future[None]) -> None:
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                loop.call_soon_threadsafe(self._end, ended, done)

        under_way = self._threads.submit(work)
        self._under_way.add(under_way)
        under_way.add_done_callback(tell)

    def _end(self, ended: Future[None], done: Callable[[], None]) -> None:
        self._under_way.discard(ended)
        done()

    async def close(self) -> None:
        """Waits for what is under way, and until its end is told."""
        self._threads.shutdown(wait=False)
        await asyncio.gather(*map(asyncio.wrap_future, tuple(self._under_way)))


def _step_back() -> None:
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
