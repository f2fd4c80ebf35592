"""The roster: the streams of one fleet, by the handles that they have on its call."""

from __future__ import annotations

import heapq
from enum import IntEnum

import numpy as np

from service.core.model import Array

_FIRST_CAPACITY = 16


class Place(IntEnum):
    """What a handle stands for."""

    FREE = 0
    BLOCK = 1
    """A stream whose steps go in blocks."""
    SINGLE = 2
    """A stream whose steps go one by one."""
    LOST = 3
    """A stream that has left; its client has not answered for it yet."""


class Roster:
    """One array per quantity, indexed by handle, so that a message is judged by array
    operations.
    """

    def __init__(self) -> None:
        self._free: list[int] = []
        self._capacity = 0
        self.places = np.zeros(0, np.uint8)
        """Place."""
        self.tenancies = np.zeros(0, np.int64)
        """Another number once the stream of the handle is another, or lost."""
        self.lanes = np.zeros(0, np.int64)
        """The number that the fleet gave the stream's model version."""
        self.rows = np.zeros(0, np.int64)
        """The row of the stream's slot."""
        self.unanswered = np.zeros(0, np.int64)
        """Accepted steps whose answers are not written yet."""
        self.durable = np.zeros(0, np.int64)
        """The steps before it are in the store."""
        self.told = np.zeros(0, np.int64)
        """The last of these numbers that the client was told."""

    def join(self, place: Place, *, lane: int, row: int, durable_step: int) -> int:
        """The handle of a stream that has come: the lowest that is free."""
        if not self._free:
            self._extend(max(_FIRST_CAPACITY, 2 * self._capacity))
        handle = heapq.heappop(self._free)
        self.places[handle] = place
        self.tenancies[handle] += 1
        self.lanes[handle] = lane
        self.rows[handle] = row
        self.unanswered[handle] = 0
        self.durable[handle] = self.told[handle] = durable_step
        return handle

    def _extend(self, capacity: int) -> None:
        missing = capacity - self._capacity
        for name in ("places", "tenancies", "lanes", "rows", "unanswered", "durable", "told"):
            array = getattr(self, name)
            setattr(self, name, np.append(array, np.zeros(missing, array.dtype)))
        self._free += range(self._capacity, capacity)
        self._capacity = capacity

    def lose(self, handle: int) -> None:
        """The stream has left, and no step of it is to run or to be answered any more."""
        self.places[handle] = Place.LOST
        self.tenancies[handle] += 1
        self.unanswered[handle] = 0
        self.durable[handle] = self.told[handle]

    def free(self, handle: int) -> None:
        """The client knows that the stream has left."""
        self.places[handle] = Place.FREE
        self.tenancies[handle] += 1
        heapq.heappush(self._free, handle)

    def are_distinct_and_taken(self, handles: Array) -> bool:
        """Whether each of `handles`, integers [entries], stands for another stream."""
        if not len(handles):
            return True
        if handles.max() >= self._capacity or not self.places[handles].all():
            return False
        first = np.empty(self._capacity, np.int64)
        order = np.arange(len(handles))
        first[handles] = order
        return bool((first[handles] == order).all())

    def untold(self) -> Array:
        """Handles, int64, of streams with durable steps that no answer to come will tell of."""
        return np.flatnonzero((self.told < self.durable) & (self.unanswered == 0))
