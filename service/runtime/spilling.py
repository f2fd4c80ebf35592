"""Spilling: a device has memory for the states of some streams, the others wait on the host."""

from __future__ import annotations

import math
from collections.abc import Sequence

from service.core.counts import RowsReading
from service.core.errors import ModelRefused
from service.core.model import Array, StateSpec, TensorSpec
from service.core.residency import Decision, Residency
from service.core.slots import Index, as_index
from service.runtime.arena import Arena, StateRows
from service.runtime.device import CPU, Device, DeviceArray


def rows_within(budget: int, states: Sequence[StateSpec]) -> int:
    """How many rows of `states` take no more than `budget` bytes. There is at least one state."""
    return budget // _row_bytes(states)


def arena_within(
    budget: int | None,
    states: Sequence[StateSpec],
    device: Device,
    *,
    streams: int,
    max_batch: int,
) -> StateRows:
    """An arena for so many streams that takes no more than `budget` bytes of the device.

    `budget`: None where it does not matter. `max_batch`: slots that are gathered together at
    most. Raises ModelRefused if not even those fit.
    """
    # An arena that grows has room for twice what it needs, and is there twice while it does.
    if budget is None or not states or rows_within(budget, states) >= 3 * streams:
        return Arena(states, device)
    beside = max_batch + 1  # those that move, and the initial state
    rows = rows_within(budget, states) - beside
    if rows < max_batch:
        needed = (max_batch + beside) * _row_bytes(states)
        raise ModelRefused(
            f"a stream has {_row_bytes(states):,} bytes of state, so that a batch of {max_batch:,} "
            f"needs {needed:,} bytes of {device.name}, which has {budget:,} for states: give it "
            "more memory, or make batches smaller"
        )
    return SpillingArena(
        states, device, rows=min(rows, max(streams, max_batch)), max_batch=max_batch
    )


def _row_bytes(states: Sequence[StateSpec]) -> int:
    return sum(state.input.nbytes for state in states)


class SpillingArena(StateRows):
    """Two arenas: one on the device, indexed by row, one on the host, indexed by slot.

    A state is in one of them. It is brought to the device when its slot is gathered, and stays
    there until the row is wanted; a slot starts and is restored on the host.
    """

    def __init__(
        self, states: Sequence[StateSpec], device: Device, *, rows: int, max_batch: int
    ) -> None:
        """`rows`: of the device; beside them it gives memory for `max_batch` that move.

        Raises ValueError if a batch does not fit, and MemoryError.
        """
        self.device = device
        self._residency = Residency(rows, max_batch)
        self._near = Arena(states, device)
        self._near.reserve(rows)
        self._far = Arena(states, CPU)
        self._transits = [_Transit(state.input, max_batch, device) for state in states]
        self._gathered: tuple[Index, Index] = (slice(0, 0), slice(0, 0))
        """The slots of the last gather, and their rows."""

    def reserve(self, capacity: int) -> None:
        self._far.reserve(capacity)
        self._residency.reserve(capacity)

    def start(self, slot: int) -> None:
        self._far.start(slot)
        self._residency.free(slot)

    def restore(self, slot: int, states: Sequence[bytes]) -> None:
        self._far.restore(slot, states)
        self._residency.free(slot)

    def free(self, slot: int) -> None:
        self._residency.free(slot)

    def reading(self) -> RowsReading:
        return self._residency.reading()

    def save(self, slots: Array) -> list[tuple[bytes, ...]]:
        rows = self._residency.rows_of(slots)
        near = rows >= 0
        if near.all():
            return self._near.save(rows)
        if not near.any():
            return self._far.save(slots)
        saved = iter(self._near.save(rows[near])), iter(self._far.save(slots[~near]))
        return [next(saved[0] if is_near else saved[1]) for is_near in near.tolist()]

    def gather(
        self, slots: Index, out: Sequence[DeviceArray] | None = None
    ) -> Sequence[DeviceArray]:
        decision = self._residency.decide(slots)
        if len(decision.entering):
            self._move(decision)
        rows = as_index(decision.rows)
        self._gathered = slots, rows
        return self._near.gather(rows, out)

    def scatter(self, slots: Index, states: Sequence[DeviceArray]) -> None:
        gathered, rows = self._gathered
        if gathered is not slots:
            rows = as_index(self._residency.rows_of(slots))
        self._near.scatter(rows, states)

    def _move(self, decision: Decision) -> None:
        self.device.use()
        self.device.synchronize()  # what has moved before is out of the buffers
        if len(decision.leaving):
            self._spill(decision.leaving, as_index(decision.left))
            self._residency.leave(decision)
        self._bring(decision.entering, as_index(decision.taken))
        self._residency.enter(decision)

    def _spill(self, slots: Array, rows: Index) -> None:
        near, far = self._buffers(len(slots))
        self._near.gather(rows, near)
        for there, here in zip(near, far, strict=True):
            self.device.download(there, here)
        self.device.synchronize()
        self._far.scatter(slots, far)

    def _bring(self, slots: Array, rows: Index) -> None:
        near, far = self._buffers(len(slots))
        self._far.gather(as_index(slots), far)
        for there, here in zip(near, far, strict=True):
            self.device.upload(here, there)
        self._near.scatter(rows, near)

    def _buffers(self, rows: int) -> tuple[list[DeviceArray], list[Array]]:
        """Of each state, on the device and on the host."""
        return [each.near(rows) for each in self._transits], [
            each.far(rows) for each in self._transits
        ]


class _Transit:
    """The memory, on both sides, that the states of some slots pass through in one piece."""

    def __init__(self, spec: TensorSpec, rows: int, device: Device) -> None:
        self._spec = spec
        self._size = math.prod(spec.shape)
        self._near = device.zeros((rows * self._size,), spec.dtype)
        self._far = device.host((rows * self._size,), spec.dtype)

    def near(self, rows: int) -> DeviceArray:
        return self._near[: rows * self._size].reshape(self._spec.batched(rows))

    def far(self, rows: int) -> Array:
        return self._far[: rows * self._size].reshape(self._spec.batched(rows))
