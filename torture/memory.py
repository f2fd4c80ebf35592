"""The resident memory of a process, over time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

_INTERVAL = 0.1
"""Seconds between two readings."""
_LAST = 0.1
"""The share of the readings that tell the end."""


class Growth(NamedTuple):
    first: int
    """Bytes."""
    last: int

    @property
    def share(self) -> float:
        return self.last / self.first - 1


class Memory:
    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._readings: list[tuple[float, int]] = []

    async def watch(self, progress: Callable[[], float]) -> None:
        """Reads it until cancelled. `progress`: from 0 to 1."""
        while True:
            self._readings.append((progress(), resident(self._pid)))
            await asyncio.sleep(_INTERVAL)

    @property
    def first(self) -> int:
        return self._readings[0][1]

    @property
    def peak(self) -> int:
        return max(size for _, size in self._readings)

    def growth(self, warm: float) -> Growth:
        """From the time after progress `warm` to the end: medians, of as many readings each."""
        sizes = [size for progress, size in self._readings if progress >= warm]
        count = max(1, round(_LAST * len(sizes)))
        return Growth(round(median(sizes[:count])), round(median(sizes[-count:])))


def resident(pid: int) -> int:
    """Bytes."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024
