"""Tenants: which stream has which slot of a lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from service.core.errors import TooManyStreams
from service.core.slots import Slots
from service.core.streams import ModelKey, Stream
from service.runtime.loss import Loss

_FIRST_CAPACITY = 16


class Growing(Protocol):
    """Something that is kept by slot."""

    def reserve(self, capacity: int) -> None:
        """Makes room for slots below `capacity`."""


class Tenants:
    def __init__(self, model: ModelKey, arrays: Sequence[Growing], loss: Loss) -> None:
        """`arrays`: grow as slots are lent."""
        self.slots = Slots()
        self.by_row: list[Stream | None] = []
        self._model = model
        self._arrays = arrays
        self._loss = loss
        self._capacity = 0

    @contextmanager
    def lent(self, stream: Stream) -> Iterator[int]:
        """A slot for the stream, to be filled with its states, and taken back if that fails.

        Raises TooManyStreams if there is no memory, ServerDraining if the device is lost.
        """
        stream.slot = self.slots.acquire()
        try:
            with self._loss.watched():
                self._make_room(stream.slot.row)
                yield stream.slot.row
        except MemoryError as error:
            self._take_back(stream)
            raise TooManyStreams(
                f"there is no memory for the states of more streams of {self._model}: {error}"
            ) from error
        except BaseException:
            self._take_back(stream)
            raise
        self.by_row[stream.slot.row] = stream

    def _make_room(self, row: int) -> None:
        if row >= self._capacity:
            capacity = max(_FIRST_CAPACITY, 2 * self._capacity)
            for arrays in self._arrays:
                arrays.reserve(capacity)
            self.by_row += [None] * (capacity - self._capacity)
            self._capacity = capacity

    def release(self, stream: Stream) -> None:
        """Takes the slot of an ended stream back."""
        assert stream.slot is not None
        self.by_row[stream.slot.row] = None
        self._take_back(stream)

    def _take_back(self, stream: Stream) -> None:
        assert stream.slot is not None
        self.slots.release(stream.slot)
        stream.slot = None
