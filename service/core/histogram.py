"""Histograms: how often a quantity fell between bounds that are fixed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from service.core.model import Array

SECONDS = tuple(float(f"{digit}e{power}") for power in range(-5, 1) for digit in (1, 2, 5))
"""10 µs, 20 µs, 50 µs and so on to 5 s."""
SIZES = tuple(2.0**power for power in range(11))
"""1, 2, 4 and so on to 1024."""


class Histogram:
    """A value belongs to the first bound that it does not exceed; beyond all, to none.

    Values that come one at a time and those that come as an array are counted in a form of their
    own, each the faster one, and added up when someone asks.
    """

    __slots__ = ("_array", "_edges", "_list", "bounds", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        """`bounds` ascend."""
        self.bounds = tuple(bounds)
        self.total = 0.0
        """The sum of all values."""
        self._edges = np.array(self.bounds)
        self._list = [0] * (len(self.bounds) + 1)
        self._array = np.zeros(len(self._list), np.int64)

    def add(self, value: float) -> None:
        self._list[bisect_left(self.bounds, value)] += 1
        self.total += value

    def repeat(self, value: float, times: int) -> None:
        """Counts one value so many times."""
        self._list[bisect_left(self.bounds, value)] += times
        self.total += value * times

    def add_each(self, values: Array) -> None:
        """`values`: float64 [n]; what is NaN is passed over."""
        total = float(np.add.reduce(values))
        if total != total:
            values = values[~np.isnan(values)]
            total = float(np.add.reduce(values))
        places = self._edges.searchsorted(values)
        self._array += np.bincount(places, minlength=len(self._array))
        self.total += total

    @property
    def counts(self) -> list[int]:
        """Values for each bound, and last those beyond all."""
        counts: list[int] = (self._array + self._list).tolist()
        return counts
