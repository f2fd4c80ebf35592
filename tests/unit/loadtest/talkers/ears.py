"""Who hears the answers of talkers."""

from __future__ import annotations

import asyncio

from loadtest.schedule import Arrival
from loadtest.talkers.talker import Answer

DEADLINE = 30.0
FIRST, SECOND, THIRD = (Arrival(float(place), 0, place + 1.0) for place in range(3))


class Ears:
    def __init__(self) -> None:
        self.told: list[tuple[Arrival, Answer]] = []
        self.news = asyncio.Event()

    def heard(self, arrival: Arrival, answer: Answer) -> None:
        self.told.append((arrival, answer))
        self.news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(DEADLINE):
            while len(self.told) < count:
                self.news.clear()
                await self.news.wait()
