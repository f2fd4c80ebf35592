"""The census: which streams a process has, and how they move, found by looking now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from service.console.seen import Seen, seen_next
from service.console.sifting import Sifting
from service.console.slices import slices
from service.console.view import Listing, Query
from service.core.streams import ModelKey
from service.lanes.lane import Lane


class Census:
    """Looks and lists a few slots at a time: the steps of streams run in between."""

    def __init__(self) -> None:
        self._seen: dict[ModelKey, Seen] = {}
        self._looking = asyncio.Lock()

    async def look(self, lanes: Iterable[Lane], now: float) -> None:
        """Those who ask in the meantime share it."""
        async with self._looking:
            self._seen = {
                lane.model: await seen_next(self._seen.get(lane.model), lane, now) for lane in lanes
            }

    async def listing(self, query: Query, now: float) -> Listing:
        """Of the streams as they were at the last look."""
        sifting = Sifting(query)
        for seen in self._seen.values():
            if query.scope.covers(seen.model):
                async for part in slices(len(seen.tenants)):
                    sifting.take(seen, part)
        return sifting.listing(now)
