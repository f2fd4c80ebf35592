"""Streams under load, by their diaries: that all of them go on, and how long they paused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from torture.diary import Diary


async def advanced(diaries: Sequence[Diary], steps: int = 20) -> None:
    """Waits until every stream has gone on."""
    goals = [len(diary.seen) + steps for diary in diaries]
    async with asyncio.timeout(120):
        while any(len(diary.seen) < goal for diary, goal in zip(diaries, goals, strict=True)):
            await asyncio.sleep(0.02)


def pauses(diaries: Sequence[Diary]) -> str:
    """The longest of each stream, in short."""
    lengths = sorted(diary.longest_pause for diary in diaries)
    return f"median {lengths[len(lengths) // 2]:.2f} s, most {lengths[-1]:.2f} s"
