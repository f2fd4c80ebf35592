"""What the runs of a model are to be like, and what one of them needs."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from service.core.batch import Fault
from service.runtime.device import DeviceArray


class Batching(Enum):
    """How many rows a run must have so that no row depends on the others, to the last bit, or
    nearly so where it says so.
    """

    ANY = auto()
    AT_LEAST_TWO = auto()
    """A lone row runs beside a copy of itself."""
    ONE = auto()
    """Each stream runs by itself."""
    CLOSELY = auto()
    """Any number. The last bits of a row differ by how many there are, for the libraries of the
    device choose their kernels by that, or by its place among them; by what the others hold no bit
    does."""


class WrongShape(ValueError):
    """A run gave a result that is not what the signature says."""


class Taken(NamedTuple):
    """What a run of some slots needs."""

    rows: int
    arrays: Sequence[DeviceArray]
    """The inputs, on the host, then the states, as the graph takes them. States may be the
    arena's own: those of a slot that is lent again meanwhile change in the run, and in no other
    row."""
    faults: dict[int, Fault]
    """Rows that are refused already."""
