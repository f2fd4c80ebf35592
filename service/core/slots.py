"""Slots: rows of the state arena, lent to streams."""

from __future__ import annotations

import heapq
from typing import NamedTuple

from service.core.model import Array


class Slot(NamedTuple):
    """A lent row. The generation tells its tenant from earlier and later ones."""

    row: int
    generation: int


class Slots:
    """Lends the lowest free row: streams that start together are neighbours, and few rows are
    ever used.
    """

    def __init__(self) -> None:
        self._generation: list[int] = []
        self._held: list[bool] = []
        self._free: list[int] = []

    @property
    def capacity(self) -> int:
        """One more than the highest row ever lent."""
        return len(self._generation)

    @property
    def free(self) -> int:
        return len(self._free)

    @property
    def held(self) -> int:
        return sum(self._held)

    def acquire(self) -> Slot:
        if not self._free:
            self._free.append(self.capacity)
            self._generation.append(0)
            self._held.append(False)
        row = heapq.heappop(self._free)
        self._held[row] = True
        return Slot(row, self._generation[row])

    def holds(self, slot: Slot) -> bool:
        return self._held[slot.row] and self._generation[slot.row] == slot.generation

    def release(self, slot: Slot) -> None:
        """Takes the slot back. Raises ValueError if it is no longer this tenant's."""
        if not self.holds(slot):
            raise ValueError(f"{slot} is not held")
        self._held[slot.row] = False
        self._generation[slot.row] += 1
        heapq.heappush(self._free, slot.row)


def as_index(numbers: Array) -> slice | Array:
    """Indexes an axis by these numbers, int64 [rows]; a lone one by a slice, many times cheaper."""
    if len(numbers) != 1:
        return numbers
    number: int = numbers.item()
    return slice(number, number + 1)
