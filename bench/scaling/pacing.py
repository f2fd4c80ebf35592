"""A clock for the load: tells each of many calls, once a period, that a step is due."""

from __future__ import annotations

import asyncio
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_SWITCH_SECONDS = 1e-4
"""How long the thread waits for the interpreter at most."""


@contextmanager
def paced(due: Sequence[asyncio.Event], rate_hz: float) -> Iterator[None]:
    """Sets each event once a period, at a random phase, as long as the block lasts.

    By a thread: timers of the event loop keep to milliseconds, by which steps would come in
    bunches.
    """
    loop, ended, switch = asyncio.get_running_loop(), threading.Event(), sys.getswitchinterval()

    def pace() -> None:
        for at, event in _schedule(due, 1 / rate_hz, time.perf_counter()):
            if ended.wait(max(0.0, at - time.perf_counter())):
                return
            loop.call_soon_threadsafe(event.set)

    thread = threading.Thread(target=pace, daemon=True)
    sys.setswitchinterval(_SWITCH_SECONDS)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(switch)


def _schedule(
    due: Sequence[asyncio.Event], period: float, start: float
) -> Iterator[tuple[float, asyncio.Event]]:
    order = sorted((random.uniform(0, period), number) for number in range(len(due)))
    while True:
        for phase, number in order:
            yield start + phase, due[number]
        start += period
