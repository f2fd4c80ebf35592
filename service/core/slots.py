"""Slots: rows of the state arena, lent to streams."""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np

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
    def held(self) -> int:
        """Rows that are lent."""
        return self.capacity - len(self._free)

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


Index = slice | Array
"""Rows: a slice with both ends, or int64 [rows]. A slice is many times cheaper to index by."""


def as_index(numbers: Index) -> Index:
    """The same rows, a lone one and neighbours in their order as a slice."""
    if isinstance(numbers, slice) or not len(numbers):
        return numbers
    first, last = numbers.item(0), numbers.item(-1)
    if last - first != len(numbers) - 1:
        return numbers
    if len(numbers) > 2 and (np.diff(numbers) != 1).any():
        return numbers
    return slice(first, last + 1)


def index_of(rows: list[int]) -> Index:
    """What `as_index` gives, of a few rows, one at least, in less time."""
    first, last = rows[0], rows[-1]
    if last - first == len(rows) - 1 and rows == list(range(first, last + 1)):
        return slice(first, last + 1)
    return np.array(rows, np.int64)


def as_numbers(index: Index) -> Array:
    """The same rows, int64 [rows]."""
    return np.arange(index.start, index.stop) if isinstance(index, slice) else index


def count(index: Index) -> int:
    """How many rows."""
    return int(index.stop - index.start) if isinstance(index, slice) else len(index)
