"""The roster: the streams of one fleet, by the handles that they have on its call."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from service.core.model import Array
from service.core.slots import Index, as_index

_FIRST_CAPACITY = 16
_CASTS = 8
"""Sets of handles that are known at a time."""
_HANDLE = np.dtype("<u4")


class Place(IntEnum):
    """What a handle stands for."""

    FREE = 0
    BLOCK = 1
    """A stream whose steps go in blocks."""
    SINGLE = 2
    """A stream whose steps go one by one."""
    LOST = 3
    """A stream that has left; its client has not answered for it yet."""


@dataclass(frozen=True, slots=True)
class Cast:
    """What some handles stand for, until the tenancy of a handle changes."""

    handles: Array
    """uint32, [entries], each once"""
    index: Index
    """The same, to index by."""
    tenancies: Array
    """int64, [entries]"""
    rows: Index
    """Of the slots of the streams."""
    lane: int
    """Of all of them."""
    singles: Array | None
    """bool, [entries]: whose steps go one by one. None: nobody's."""
    lost: Array | None
    """bool, [entries]: who has left. None: nobody."""
    changes: int


class HandlesRefused(ValueError):
    """The message tells what is wrong with the handles."""


class Roster:
    """One array per quantity, indexed by handle, so that a message is judged by array
    operations.
    """

    def __init__(self) -> None:
        self.changes = 0
        """Grows with each change of a tenancy."""
        self._casts: OrderedDict[bytes, Cast] = OrderedDict()
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
        self._change(handle)
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
        self._change(handle)
        self.unanswered[handle] = 0
        self.durable[handle] = self.told[handle]

    def free(self, handle: int) -> None:
        """The client knows that the stream has left."""
        self.places[handle] = Place.FREE
        self._change(handle)
        heapq.heappush(self._free, handle)

    def _change(self, handle: int) -> None:
        self.tenancies[handle] += 1
        self.changes += 1
        self._casts.clear()

    def cast(self, packed: bytes) -> Cast:
        """Of handles as a message has them, uint32 in little-endian; a fleet sends the same ones
        again and again. Raises HandlesRefused.
        """
        known = self._casts.get(packed)
        if known is None:
            known = self._casts[packed] = self._cast(packed)
            if len(self._casts) > _CASTS:
                self._casts.popitem(last=False)
        return known

    def index(self, handles: Array) -> Index:
        """The same handles, uint32, as an index."""
        known = self._casts.get(handles.tobytes())
        return known.index if known else as_index(handles.astype(np.int64))

    def _cast(self, packed: bytes) -> Cast:
        if len(packed) % _HANDLE.itemsize:
            raise HandlesRefused(f"{len(packed)} bytes are no whole number of handles")
        handles = np.frombuffer(packed, _HANDLE)
        self.check(handles)
        places, lanes = self.places[handles], self.lanes[handles]
        singles, lost = places == Place.SINGLE, places == Place.LOST
        present = lanes[~lost]
        if (present != present[:1]).any():
            raise HandlesRefused("the streams of one message are of one model version")
        return Cast(
            handles,
            as_index(handles.astype(np.int64)),
            self.tenancies[handles],
            as_index(self.rows[handles]),
            present.item(0) if len(present) else 0,
            singles if singles.any() else None,
            lost if lost.any() else None,
            self.changes,
        )

    def check(self, handles: Array) -> None:
        """Raises HandlesRefused unless each of `handles`, integers, is of another stream."""
        if not len(handles):
            return
        known = handles.max() < self._capacity and self.places[handles].all()
        if not known or len(np.unique(handles)) < len(handles):
            raise HandlesRefused("each handle is one of a stream of this call, and occurs once")

    def untold(self) -> Array:
        """Handles, int64, of streams with durable steps that no answer to come will tell of."""
        return np.flatnonzero((self.told < self.durable) & (self.unanswered == 0))
