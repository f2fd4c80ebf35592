"""Long work on slots, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

_TOGETHER = 256
"""Slots: to look at more would hold up the steps."""


async def slices(length: int) -> AsyncIterator[slice]:
    """Of so many slots, one after the other: the steps of streams run in between."""
    for first in range(0, length, _TOGETHER):
        yield slice(first, min(first + _TOGETHER, length))
        await asyncio.sleep(0)
