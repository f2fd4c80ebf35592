"""A part of the benchmark: what it takes, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.batches import Histogram
from bench.ratios import Row
from bench.stand import Stand


class Plan(NamedTuple):
    """How long a part measures."""

    rounds: int
    """Of each side, at each load."""
    warm_up: float
    """Seconds, at the start of each round."""
    seconds: float
    """Measured in each round."""
    scale: float = 1.0
    """Of the thousands of streams that are open."""

    @property
    def duration(self) -> float:
        """Seconds of a round."""
        return self.warm_up + self.seconds


@dataclass(frozen=True, slots=True)
class Results:
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    """What explains a row, in a sentence."""
    batches: Mapping[str, Histogram] = field(default_factory=dict)
    """By load, where batches formed by themselves."""


Progress = Callable[[str], None]
Measure = Callable[[Stand, Plan, Progress], Coroutine[Any, Any, Results]]


class Part(NamedTuple):
    name: str
    title: str
    measure: Measure
    """Raises LoadFailed and ServerFailed."""
    full: Plan
    quick: Plan
