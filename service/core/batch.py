"""A batch: the steps that run together, and what their run gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from service.core.blocks import Block
from service.core.checksums import checksum, checksums
from service.core.errors import StepFault
from service.core.model import Array, Tensors
from service.core.slots import Index, Slot, as_numbers
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

    @property
    def present(self) -> bool:
        """Whether the stream still is what it was."""
        return self.stream.slot is self.slot and self.stream.owner is self.owner


@dataclass
class Batch:
    """At most one step of each stream: first those that came by themselves, then the blocks."""

    started: float
    entries: list[Entry] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    settled: list[Delivery] = field(default_factory=list)
    """Answers that need no run."""

    def __len__(self) -> int:
        if not self.blocks:
            return len(self.entries)
        return len(self.entries) + sum(map(len, self.blocks))

    @cached_property
    def entry_slots(self) -> Array:
        """int64, [entries]: the rows of their slots."""
        return np.array([entry.slot.row for entry in self.entries], np.int64)

    @property
    def slots(self) -> Index:
        """Of all rows; of a batch that is complete."""
        if not self.blocks:
            return self.entry_slots
        if not self.entries and len(self.blocks) == 1:
            return self.blocks[0].rows
        return np.concatenate([self.entry_slots, *(as_numbers(each.rows) for each in self.blocks)])

    @property
    def steps(self) -> Array:
        """int64, [entries]: the number of each entry's timestep."""
        return np.array([entry.step.number for entry in self.entries], np.int64)

    @cached_property
    def inputs(self) -> list[Tensors]:
        """Per input of the signature, the rows one after another."""
        sources: list[tuple[Tensors, ...]] = [entry.step.inputs for entry in self.entries]
        sources += [block.inputs for block in self.blocks]
        if len(sources) == 1:
            return list(sources[0])
        return [b"".join(rows) for rows in zip(*sources, strict=True)]

    @cached_property
    def checksums(self) -> Array:
        """int64, [rows]: of the inputs."""
        if len(self) == 1:
            return np.array([checksum(self.inputs)], np.int64)
        return checksums(self.inputs, len(self))


class Fault(NamedTuple):
    fault: StepFault
    message: str


@dataclass(slots=True)
class BatchResult:
    """What a run gave; faulty rows hold anything."""

    outputs: Sequence[Array]
    """Per output of the signature, C-contiguous [rows, *shape]"""
    states: Sequence[Array] = ()
    """Per state of the signature, as the graph gives it."""
    faults: dict[int, Fault] = field(default_factory=dict)
    """By row."""
