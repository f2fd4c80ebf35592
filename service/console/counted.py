"""What a model version has counted, as numbers that add up and subtract."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from itertools import zip_longest
from operator import add
from typing import Any

from service.core.counts import StepCounts
from service.core.histogram import SIZES

Buckets = tuple[int, ...]
"""Of a histogram: values for each of its bounds, and last those beyond all. Empty: none."""


@dataclass(frozen=True, slots=True)
class Counted:
    ran: int = 0
    late: int = 0
    held: int = 0
    replays: int = 0
    errors: int = 0
    batches: int = 0
    sizes: Buckets = ()
    """Of batches, by the bounds `SIZES`."""
    queue: Buckets = ()
    """Of steps, by the bounds `SECONDS`."""
    compute: Buckets = ()
    """Of batches, by the bounds `SECONDS`."""
    write: Buckets = ()
    """Of steps, by the bounds `SECONDS`."""

    @classmethod
    def of(cls, counts: StepCounts) -> Counted:
        return cls(
            counts.ran,
            counts.late,
            counts.held,
            counts.replays,
            sum(counts.faults.values()),
            counts.batches,
            _bucketed(counts.sizes),
            tuple(counts.queue.counts),
            tuple(counts.compute.counts),
            tuple(counts.write.counts),
        )

    def __add__(self, other: Counted) -> Counted:
        return _combined(self, other, add)

    def since(self, earlier: Counted) -> Counted:
        """What has come since then; nothing where that was looked at later."""
        return _combined(self, earlier, lambda after, before: max(0, after - before))


def _combined(one: Counted, other: Counted, how: Callable[[int, int], int]) -> Counted:
    names = (field.name for field in fields(Counted))
    return Counted(*(_each(getattr(one, name), getattr(other, name), how) for name in names))


def _each(one: Any, other: Any, how: Callable[[int, int], int]) -> Any:
    """Of two numbers, or of two histograms."""
    if isinstance(one, tuple):
        return tuple(how(*pair) for pair in zip_longest(one, other, fillvalue=0))
    return how(one, other)


def _bucketed(sizes: Mapping[int, int]) -> Buckets:
    buckets = [0] * (len(SIZES) + 1)
    for size, times in sizes.items():
        buckets[bisect_left(SIZES, size)] += times
    return tuple(buckets)
