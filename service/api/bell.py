"""A bell: wakes the one task that waits for it."""

from __future__ import annotations

import asyncio


class Bell:
    """What an `asyncio.Event` is, without its queue for many: a call has two of them."""

    __slots__ = ("_waiter",)

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wakes who waits now; rung for nobody, it is not heard."""
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def heard(self) -> None:
        """Waits until it is rung next. One task at a time."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
