"""Blocks: one timestep of each of many streams, on its way through the service as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from service.core.lateness import Verdict
from service.core.model import Array
from service.core.slots import Index, as_numbers
from service.core.steps import Step
from service.core.streams import Stream

_UINT64 = 2**64 - 1


class BlockOutputs(NamedTuple):
    """What ran of a block."""

    handles: Array
    """uint32, [entries]"""
    steps: Array
    """int64, [entries]"""
    outputs: Sequence[Array]
    """Per output of the signature, C-contiguous [entries, *shape]."""
    late: Array | None
    """bool, [entries]: whose budget was spent. None: nobody's."""
    batch_size: int
    queued: float
    """Seconds from reading the message to starting the run."""
    computed: float
    """Seconds of the whole batch's run."""
    finished: float
    """When the run ended, on the server's clock."""


class BlockOwner(Protocol):
    """The connection that many streams are attached to, each known by a handle."""

    @property
    def tenancies(self) -> Array:
        """int64, by handle: another number once the stream of the handle is another, or lost."""

    @property
    def changes(self) -> int:
        """Grows with each change of a tenancy."""

    def stream(self, handle: int) -> Stream:
        """Of a handle that has one."""

    def answer(self, answer: BlockOutputs) -> None:
        """Takes the answers to the oldest unanswered step of each of these streams."""


@dataclass(slots=True, eq=False)
class Block:
    """At most one step of each stream, all of one model version. Times in seconds."""

    owner: BlockOwner
    handles: Array
    """uint32, [entries], each once"""
    tenancies: Array
    """int64, [entries]: which stream of its handle each is for"""
    rows: Index
    """Of their slots."""
    changes: int
    """Of the owner, when the tenancies were these."""
    steps: Array
    """int64, [entries]: numbers of 2^63 and more are negative."""
    inputs: tuple[memoryview, ...]
    """In signature order, the entries one after another; their sizes are right."""
    received: float
    budgets: Array | None = None
    """float64, [entries]; Inf: no limit."""
    ages: Array | None = None
    """float64, [entries]"""
    verdicts: Array | None = None
    """uint8, [entries]: as in `Step`, 0 for none"""

    def __len__(self) -> int:
        return len(self.handles)

    def part(self, entries: slice | Array) -> Block:
        """Some of the entries, in ascending order."""
        return Block(
            self.owner,
            self.handles[entries],
            self.tenancies[entries],
            as_numbers(self.rows)[entries],
            self.changes,
            self.steps[entries],
            tuple(self._rows_of(data)[entries].reshape(-1).data for data in self.inputs),
            self.received,
            _some(self.budgets, entries),
            _some(self.ages, entries),
            _some(self.verdicts, entries),
        )

    @property
    def present(self) -> Array | None:
        """bool, [entries]: whose streams are still the owner's. None: all are."""
        if self.owner.changes == self.changes:
            return None
        present: Array = self.owner.tenancies[self.handles] == self.tenancies
        return None if present.all() else present

    def _rows_of(self, data: memoryview) -> Array:
        return np.frombuffer(data, np.uint8).reshape(len(self), len(data) // len(self))

    def late(self, now: float) -> Array | None:
        """bool, [entries]: whose budget is spent. None: nobody's."""
        if self.budgets is None:
            return None
        spent = now - self.received
        late: Array = (spent if self.ages is None else spent + self.ages) > self.budgets
        return late if late.any() else None

    def number(self, entry: int) -> int:
        """Of the entry's timestep, as it was sent."""
        number: int = self.steps.item(entry)
        return number & _UINT64

    def step(self, entry: int) -> Step:
        """One entry by itself."""
        budget = np.inf if self.budgets is None else self.budgets.item(entry)
        verdict = 0 if self.verdicts is None else self.verdicts.item(entry)
        return Step(
            self.number(entry),
            tuple(self._rows_of(data)[entry].tobytes() for data in self.inputs),
            self.received,
            None if budget == np.inf else budget,
            0.0 if self.ages is None else self.ages.item(entry),
            _VERDICTS.get(verdict),
        )


_VERDICTS = {verdict.value: verdict for verdict in Verdict}


def _some(array: Array | None, entries: slice | Array) -> Array | None:
    return None if array is None else array[entries]
