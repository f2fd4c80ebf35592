"""Histograms: how often a quantity fell between bounds that are fixed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.core.model import Array

SECONDS = tuple(float(f"{digit}e{power}") for power in range(-5, 1) for digit in (1, 2, 5))
"""10 µs, 20 µs, 50 µs and so on to 5 s."""
SIZES = tuple(2.0**power for power in range(11))
"""1, 2, 4 and so on to 1024."""
_MANY = 512
"""Values that are noted at most."""


class Histogram:
    """A value belongs to the first bound that it does not exceed; beyond all, to none.

    Values that come one at a time are noted, and counted as an array once they are many, or
    someone asks.
    """

    __slots__ = ("_counts", "_edges", "_noted", "_total", "bounds")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        """`bounds` ascend."""
        self.bounds = tuple(bounds)
        self._total = 0.0
        self._edges = np.array(self.bounds)
        self._counts = np.zeros(len(self.bounds) + 1, np.int64)
        self._noted: list[float] = []

    def add(self, value: float) -> None:
        self._noted.append(value)
        if len(self._noted) >= _MANY:
            self._count_noted()

    def repeat(self, value: float, times: int) -> None:
        """Counts one value so many times."""
        self._counts[self._edges.searchsorted(value)] += times
        self._total += value * times

    def add_each(self, values: Array) -> None:
        """`values`: float64 [n]; what is NaN is passed over."""
        total = float(np.add.reduce(values))
        if total != total:
            values = values[~np.isnan(values)]
            total = float(np.add.reduce(values))
        places = self._edges.searchsorted(values)
        self._counts += np.bincount(places, minlength=len(self._counts))
        self._total += total

    def add_all(self, other: Histogram) -> None:
        """Counts what the other has counted, whose bounds are the same."""
        self._counts += np.array(other.counts)
        self._total += other.total

    @property
    def counts(self) -> list[int]:
        """Values for each bound, and last those beyond all."""
        self._count_noted()
        counts: list[int] = self._counts.tolist()
        return counts

    @property
    def total(self) -> float:
        """The sum of all values."""
        self._count_noted()
        return self._total

    def _count_noted(self) -> None:
        if self._noted:
            noted, self._noted = self._noted, []
            self.add_each(np.array(noted))
