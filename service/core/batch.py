"""A batch: the steps that run together, and what their run gave."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from service.core.blocks import Block
from service.core.checksums import checksums
from service.core.errors import StepFault
from service.core.model import Array, Tensors
from service.core.slots import Index, Slot, as_index, as_numbers, index_of
from service.core.steps import Step
from service.core.streams import Owner, Stream

T = TypeVar("T", contravariant=True)


class Receiver(Protocol[T]):
    def answer(self, answer: T) -> None: ...


Delivery = tuple[Receiver[Any], Any]
"""An answer, and who takes it."""


class Entry(NamedTuple):
    """A step in a batch, with what its stream was when the batch formed."""

    step: Step
    stream: Stream
    slot: Slot
    owner: Owner


@dataclass(slots=True)
class Batch:
    """At most one step of each stream: first those that came by themselves, then the blocks."""

    started: float
    entries: list[Entry] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    settled: list[Delivery] = field(default_factory=list)
    """Answers that need no run."""
    slots: Index = field(default_factory=lambda: slice(0, 0))
    """Of all rows, once it is formed."""
    inputs: Sequence[Tensors] = ()
    """Per input of the signature, the rows one after another; once it is formed."""
    sums: Array | None = None
    """int64, [rows]: checksums of the inputs; once it is formed, unless of a lone entry."""

    def __len__(self) -> int:
        if not self.blocks:
            return len(self.entries)
        return len(self.entries) + sum(map(len, self.blocks))

    def form(self) -> None:
        """Nothing is added from here on."""
        if not self:
            return
        if not self.blocks:
            self._join_entries()
        elif len(self.blocks) == 1 and not self.entries:
            (block,) = self.blocks
            self.slots, self.inputs = block.rows, block.inputs
        else:
            self._join()
        if not self.is_lone:
            self.sums = checksums(self.inputs, len(self))

    @property
    def is_lone(self) -> bool:
        return not self.blocks and len(self.entries) == 1

    def _join_entries(self) -> None:
        rows, inputs = [], []
        for step, _, slot, _ in self.entries:
            rows.append(slot.row)
            inputs.append(step.inputs)
        self.slots = index_of(rows)
        first = inputs[0]
        self.inputs = first if self.is_lone else [*map(b"".join, zip(*inputs, strict=True))]

    def _join(self) -> None:
        lone = np.array([entry.slot.row for entry in self.entries], np.int64)
        rows = [lone, *(as_numbers(block.rows) for block in self.blocks)]
        self.slots = as_index(np.concatenate(rows))
        inputs: list[tuple[Tensors, ...]] = [entry.step.inputs for entry in self.entries]
        inputs += [block.inputs for block in self.blocks]
        self.inputs = [b"".join(each) for each in zip(*inputs, strict=True)]

    def at(self, row: int) -> tuple[Step, Stream]:
        """What runs in a row, and whose it is; of a stream that is still there."""
        if row < len(self.entries):
            return self.entries[row].step, self.entries[row].stream
        row -= len(self.entries)
        for block in self.blocks:
            if row < len(block):
                return block.step(row), block.owner.stream(block.handles.item(row))
            row -= len(block)
        raise IndexError(f"no row {row}")

    def absent(self) -> Set[int]:
        """Rows whose streams have ended, or changed hands, since it was formed.

        Their steps have not run: who has the stream sends them again.
        """
        rows = {
            row
            for row, (_, stream, slot, owner) in enumerate(self.entries)
            if stream.slot is not slot or stream.owner is not owner
        }
        first = len(self.entries)
        for block in self.blocks:
            present = block.present
            if present is not None:
                rows.update((first + np.flatnonzero(~present)).tolist())
            first += len(block)
        return rows


class Fault(NamedTuple):
    fault: StepFault
    message: str


@dataclass(slots=True)
class BatchResult:
    """What a run gave; faulty rows hold anything."""

    outputs: Sequence[Array]
    """Per output of the signature, [rows, *shape]"""
    states: Sequence[Array] = ()
    """Per state of the signature, as the graph gives it."""
    faults: dict[int, Fault] = field(default_factory=dict)
    """By row."""
