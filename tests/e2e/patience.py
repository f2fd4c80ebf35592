"""What is waited for, of processes that tell nobody when it has happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(what: Callable[[], bool]) -> None:
    """Asks again and again, for a minute at most."""
    deadline = time.monotonic() + 60
    while not await asyncio.to_thread(what):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
