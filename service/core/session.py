"""Sessions: for each slot, the number of its next timestep and the outputs it may give again.

One array per quantity, indexed by slot, so that a batch is committed with array
operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple, TypeVar

import numpy as np

from service.core.lateness import Verdict
from service.core.model import Array, TensorSpec
from service.core.slots import Index, as_numbers
from service.core.steps import Step

_CHECKSUM_BITS = 32
_CHECKSUM = 2**_CHECKSUM_BITS - 1
Whole = TypeVar("Whole", int, Array)

_NOT_KEPT = -1
"""No seal is negative."""


class Judgement(Enum):
    """What a step number means to a stream."""

    RUN = auto()
    REPLAY = auto()
    GAP = auto()
    CONFLICT = auto()
    TOO_OLD = auto()


class Kept(NamedTuple):
    outputs: tuple[bytes, ...]
    verdict: Verdict


class History(NamedTuple):
    """The kept steps of one slot, from the oldest to the newest."""

    next_step: int
    outputs: tuple[bytes, ...]
    """Per output of the signature."""
    seals: tuple[int, ...]
    """Per kept step, the checksum of its inputs and its verdict."""


class Sessions:
    """Step t of a slot is kept in turn t % window, until step t + window replaces it.

    Arrays have the turns before the slots: streams that step together write side by side.
    """

    def __init__(self, outputs: Sequence[TensorSpec], window: int) -> None:
        self.window = window
        self._next_step = np.zeros(0, np.int64)
        self._seals = np.zeros((window, 0), np.int64)
        self._outputs = [np.zeros((window, 0, *spec.shape), spec.dtype) for spec in outputs]
        self._flatten()

    def _flatten(self) -> None:
        """Views for one index, turn * capacity + slot: a pair of them takes twice the time. One
        number of a memoryview is read in half the time.
        """
        self._following = self._next_step.data
        self._all_seals = self._seals.reshape(-1)
        self._all_outputs = [
            array.reshape(-1, *array.shape[2:]) if array.size else array[0]
            for array in self._outputs
        ]

    def reserve(self, capacity: int) -> None:
        """Makes room for slots below `capacity`; what is there stays."""
        missing = capacity - len(self._next_step)
        if missing <= 0:
            return
        self._next_step = np.append(self._next_step, np.zeros(missing, np.int64))
        self._seals = _extended(self._seals, missing)
        self._outputs = [_extended(array, missing) for array in self._outputs]
        self._flatten()

    def start(self, slot: int) -> None:
        """A new stream at step 0; nothing of the former tenant can be replayed."""
        self._next_step[slot] = 0

    def restore(self, slot: int, history: History) -> None:
        """Goes on from a history, whatever the window was when it was taken.

        Raises ValueError if its outputs do not have the size of this model's.
        """
        kept = len(history.seals)
        outputs = [
            _parsed(data, kept, array)
            for data, array in zip(history.outputs, self._outputs, strict=True)
        ]
        self._next_step[slot] = history.next_step
        self._seals[:, slot] = _NOT_KEPT
        newest = min(kept, self.window)
        turns = np.arange(history.next_step - newest, history.next_step) % self.window
        self._seals[turns, slot] = history.seals[kept - newest :]
        for array, rows in zip(self._outputs, outputs, strict=True):
            array[turns, slot] = rows[kept - newest :]

    def histories(self, slots: Array) -> list[History]:
        """What `restore` takes, of each of `slots`, int64 [rows]."""
        window, rows = self.window, slots[:, None]
        next_steps = self._next_step[slots]
        turns = (next_steps[:, None] + np.arange(window)) % window
        seals = self._seals[turns, rows]
        outputs = [array[turns, rows] for array in self._outputs]
        lost = np.maximum(window - next_steps, np.count_nonzero(seals == _NOT_KEPT, axis=1))
        return [
            History(step, tuple(array[row, first:].tobytes() for array in outputs), tuple(sealed))
            for row, (step, first, sealed) in enumerate(
                zip(next_steps.tolist(), lost.tolist(), _suffixes(seals, lost), strict=True)
            )
        ]

    def next_step(self, slot: int) -> int:
        return self._following[slot]

    def next_steps(self) -> Array:
        """int64, by slot."""
        return self._next_step

    def judge(self, slot: int, step: Step) -> Judgement:
        expected, number = self._next_step.item(slot), step.number
        if number == expected:
            return Judgement.RUN
        if number > expected:
            return Judgement.GAP
        if number < expected - self.window:
            return Judgement.TOO_OLD
        seal = self._seals.item(number % self.window, slot)
        if seal == _NOT_KEPT:
            return Judgement.TOO_OLD
        return Judgement.REPLAY if seal & _CHECKSUM == step.checksum else Judgement.CONFLICT

    def kept(self, slot: int, step: int) -> Kept:
        """The answer to a step judged REPLAY."""
        turn = step % self.window
        outputs = tuple(array[turn, slot].tobytes() for array in self._outputs)
        return Kept(outputs, Verdict(self._seals.item(turn, slot) >> _CHECKSUM_BITS))

    def commit(
        self,
        slots: Index,
        steps: int | Array,
        seals: int | Array,
        outputs: Sequence[Array],
    ) -> None:
        """The slots' next steps, `steps`, have run.

        `steps`, `seals`: int64 [rows], or one number for all. `outputs`: one [rows, *shape] per
        output.
        """
        places = self._places(slots, steps)
        self._all_seals[places] = seals
        for kept, new in zip(self._all_outputs, outputs, strict=True):
            kept[places] = new
        self._next_step[slots] = steps + 1

    def _places(self, slots: Index, steps: int | Array) -> Index:
        """Where each of these steps is kept, in the flat views."""
        turns = steps % self.window * len(self._next_step)
        if isinstance(slots, slice):
            if isinstance(turns, int):
                return slice(turns + slots.start, turns + slots.stop)
            slots = as_numbers(slots)
        return turns + slots

    def can_hold(self, slot: int) -> bool:
        """Whether there is an output before the slot's next step."""
        before = self.next_step(slot) - 1
        return before >= 0 and self._seals.item(before % self.window, slot) != _NOT_KEPT

    def hold(self, slot: int, checksum: int) -> Kept:
        """The slot's next step is consumed unrun: the output before it is given again.

        Raises ValueError where there is none to hold.
        """
        step = self.next_step(slot)
        if not self.can_hold(slot):
            raise ValueError(f"step {step} has no output to hold")
        turn, before = step % self.window, (step - 1) % self.window
        self._seals[turn, slot] = seal(checksum, Verdict.HELD)
        for kept in self._outputs:
            kept[turn, slot] = kept[before, slot]
        self._next_step[slot] = step + 1
        return self.kept(slot, step)


def seal(checksum: Whole, verdict: int | Whole) -> Whole:
    """What is kept of a step beside its outputs; one array is written faster than two."""
    return checksum | verdict << _CHECKSUM_BITS


def _extended(array: Array, slots: int) -> Array:
    """With so many slots more, whose zeros take no memory until they are written to."""
    turns, known, *shape = array.shape
    extended = np.zeros((turns, known + slots, *shape), array.dtype)
    extended[:, :known] = array
    return extended


def _parsed(data: bytes, rows: int, like: Array) -> Array:
    return np.frombuffer(data, like.dtype).reshape(rows, *like.shape[2:])


def _suffixes(rows: Array, first: Array) -> list[list[int]]:
    return [row[start:] for row, start in zip(rows.tolist(), first.tolist(), strict=True)]
