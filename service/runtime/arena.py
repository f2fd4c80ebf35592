"""The arena: the states of all streams of a model, one array per state, indexed by slot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from service.core.counts import RowsReading
from service.core.model import Array, StateSpec, TensorSpec
from service.core.slots import Index, count
from service.runtime.device import CPU, Device, DeviceArray


class StateRows(Protocol):
    """The states of slots. Arrays of slots may not change between a gather and its scatter."""

    device: Device
    """Where states are gathered."""

    def reserve(self, capacity: int) -> None:
        """Makes room for slots below `capacity`; what is there stays.

        Raises MemoryError where there is none.
        """

    def start(self, slot: int) -> None:
        """Sets the slot to the initial state."""

    def restore(self, slot: int, states: Sequence[bytes]) -> None:
        """Sets the slot to saved states. Raises ValueError, and changes nothing, if one does not
        fit.
        """

    def free(self, slot: int) -> None:
        """The state of the slot is of no use any more."""

    def reading(self) -> RowsReading | None:
        """Of the device's rows, where they do not hold every slot."""

    def save(self, slots: Array) -> list[tuple[bytes, ...]]:
        """Per slot of `slots`, int64 [rows], what `restore` takes: one per state, in C order."""

    def gather(
        self, slots: Index, out: Sequence[DeviceArray] | None = None
    ) -> Sequence[DeviceArray]:
        """The states of `slots` on the device, as the graph takes them.

        `out`: where they are copied to, the slots first and after them the first one again as
        often as there is room; without it they may be the arena's own until the next scatter.
        """

    def scatter(self, slots: Index, states: Sequence[DeviceArray]) -> None:
        """Replaces the states of `slots`; `states` as from `gather`, of as many rows."""


MakeStates = Callable[[Sequence[StateSpec], Device], StateRows]


class Arena(StateRows):
    def __init__(self, states: Sequence[StateSpec], device: Device = CPU) -> None:
        self.device = device
        self._specs = tuple(state.input for state in states)
        self._columns = [_Column(state, device) for state in states]
        self._index: tuple[Index, DeviceArray] = (slice(0, 0), None)
        """The slots of the last gather, and the same on the device."""

    def reserve(self, capacity: int) -> None:
        self.device.use()
        for column in self._columns:
            column.reserve(capacity)

    def start(self, slot: int) -> None:
        self.device.use()
        for column in self._columns:
            column.set(slot, column.initial)

    def restore(self, slot: int, states: Sequence[bytes]) -> None:
        rows = [
            np.frombuffer(data, spec.dtype).reshape(spec.shape)
            for data, spec in zip(states, self._specs, strict=True)
        ]
        self.device.use()
        for column, row in zip(self._columns, rows, strict=True):
            column.set(slot, self.device.put(row))

    def free(self, slot: int) -> None:
        pass  # the slot keeps its row

    def reading(self) -> None:
        return None

    def save(self, slots: Array) -> list[tuple[bytes, ...]]:
        if not self._columns:
            return [()] * len(slots)
        self.device.use()
        index = self._placed(slots)
        states = [column.bytes_of(index) for column in self._columns]
        # Beside each other they cross the bus in one copy.
        together = states[0] if len(states) == 1 else self.device.xp.concatenate(states, axis=1)
        return _split(self.device.fetch(together).tobytes(), self._specs, len(slots))

    def gather(
        self, slots: Index, out: Sequence[DeviceArray] | None = None
    ) -> Sequence[DeviceArray]:
        self.device.use()
        index = self._placed(slots)
        self._index = slots, index
        if out is None:
            return [column[index] for column in self._columns]
        rows = count(slots)
        for column, room in zip(self._columns, out, strict=True):
            column.copy(index, rows, room)
        return out

    def scatter(self, slots: Index, states: Sequence[DeviceArray]) -> None:
        self.device.use()
        gathered, index = self._index
        if gathered is not slots:
            index = self._placed(slots)
        for column, new in zip(self._columns, states, strict=True):
            column.set(index, new)

    def _placed(self, slots: Index) -> Index | DeviceArray:
        """The slots, to index arrays of the device with."""
        return slots if isinstance(slots, slice) else self.device.put(slots)


class _Column:
    """One state of all slots, which take the place of the batch axis."""

    def __init__(self, state: StateSpec, device: Device) -> None:
        self._spec = spec = state.input
        self._device = device
        self._lead = (slice(None),) * spec.batch_axis
        self.array = device.zeros(spec.batched(0), spec.dtype)
        self.initial = device.put(np.broadcast_to(state.initial, spec.shape).astype(spec.dtype))

    def __getitem__(self, index: Index | DeviceArray) -> DeviceArray:
        return self.array[(*self._lead, index)]

    def set(self, index: int | Index | DeviceArray, states: DeviceArray) -> None:
        self.array[(*self._lead, index)] = states

    def copy(self, index: Index | DeviceArray, rows: int, room: DeviceArray) -> None:
        """Fills `room`: the rows of `index`, and the first one again where there is more room."""
        axis, lead = self._spec.batch_axis, self._lead
        padded = room.shape[axis] > rows
        place = room[(*lead, slice(0, rows))] if padded else room
        if isinstance(index, slice):
            place[...] = self[index]
        else:
            self._device.take(self.array, index, axis, place)
        if padded:
            room[(*lead, slice(rows, None))] = room[(*lead, slice(0, 1))]

    def bytes_of(self, index: DeviceArray) -> DeviceArray:
        """uint8 [rows, bytes], each row in C order."""
        rows = self._spec.rows_first(self[index])
        elements = self._spec.nbytes // self._spec.dtype.itemsize
        return rows.reshape(len(rows), elements).view(np.uint8)

    def reserve(self, capacity: int) -> None:
        known = self.array.shape[self._spec.batch_axis]
        if capacity > known:
            larger = self._device.zeros(self._spec.batched(capacity), self._spec.dtype)
            larger[(*self._lead, slice(0, known))] = self.array
            self.array = larger


def _split(data: bytes, specs: Sequence[TensorSpec], rows: int) -> list[tuple[bytes, ...]]:
    """Rows of all states one after another → per row one per state."""
    ends = np.cumsum([spec.nbytes for spec in specs]).tolist()
    whole = ends[-1]
    parts = list(zip([0, *ends], ends, strict=False))
    return [
        tuple(data[start + first : start + last] for first, last in parts)
        for start in range(0, rows * whole, whole)
    ]
