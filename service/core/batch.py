"""A batch: the steps that run together, and what their run gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from service.core.errors import StepFault
from service.core.model import Array
from service.core.slots import Slot
from service.core.steps import Answer, Step
from service.core.streams import Owner

Delivery = tuple[Owner, Answer]


class Entry(NamedTuple):
    """A step in a batch, with what its stream was when the batch formed."""

    step: Step
    slot: Slot
    owner: Owner


@dataclass
class Batch:
    """At most one step of each stream."""

    started: float
    entries: list[Entry] = field(default_factory=list)
    settled: list[Delivery] = field(default_factory=list)
    """Answers that need no run."""

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def slots(self) -> Array:
        """int64, [rows]; of a batch that is complete."""
        return np.array([entry.slot.row for entry in self.entries], np.int64)

    @property
    def steps(self) -> Array:
        """int64, [rows]: the number of each row's timestep."""
        return np.array([entry.step.number for entry in self.entries], np.int64)

    def inputs(self) -> list[bytes]:
        """Per input of the signature, the rows one after another."""
        columns = zip(*(entry.step.inputs for entry in self.entries), strict=True)
        return [b"".join(rows) for rows in columns]


class Fault(NamedTuple):
    fault: StepFault
    message: str


@dataclass(slots=True)
class BatchResult:
    """What a run gave. The states of faulty rows are as they were before."""

    outputs: Sequence[Array]
    """Per output of the signature, C-contiguous [rows, *shape]; faulty rows hold anything."""
    faults: dict[int, Fault] = field(default_factory=dict)
    """By row."""
