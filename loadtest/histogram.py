"""A histogram of durations with a bounded relative error, after Gil Tene's HdrHistogram.

Buckets grow with what they hold: of whole microseconds below 2,048 µs, and twice as wide for each
doubling above. That is three significant digits at any scale, in some thousand counters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

_MICRO = 1e-6
_BITS = 10
_HALF = 1 << _BITS
_LONGEST = 2**36 - 1
"""Microseconds, about 19 hours; what is longer counts as this long."""


class Point(NamedTuple):
    """Of a percentile curve."""

    share: float
    """Of all values, those up to here: 0 to 1."""
    seconds: float


class Histogram:
    def __init__(self) -> None:
        self._counts: Counts = np.zeros(0, np.int64)
        self._sum = 0.0
        self.maximum = 0.0
        """Seconds, not rounded."""

    @property
    def count(self) -> int:
        return int(self._counts.sum())

    @property
    def mean(self) -> float:
        """Seconds; 0 of nothing."""
        return self._sum / self.count if self.count else 0.0

    def record(self, seconds: Sequence[float]) -> None:
        """What is below 0 counts as 0."""
        if not seconds:
            return
        values = np.maximum(np.asarray(seconds, np.float64), 0.0)
        self._grow(np.bincount(_buckets(values)))
        self._sum += float(values.sum())
        self.maximum = max(self.maximum, float(values.max()))

    def add(self, other: Histogram) -> None:
        self._grow(other._counts)
        self._sum += other._sum
        self.maximum = max(self.maximum, other.maximum)

    def percentile(self, percent: float) -> float:
        """In seconds, the value that so many percent do not exceed; 0 of nothing."""
        total = self.count
        if not total:
            return 0.0
        rank = max(1, int(np.ceil(total * percent / 100 - 1e-9)))
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        return min(_highest(bucket) * _MICRO, self.maximum)

    def share_above(self, seconds: float) -> float:
        """0 to 1, to the width of a bucket; 0 of nothing."""
        if not self.count:
            return 0.0
        bucket = int(_buckets(np.array([seconds]))[0])
        return float(self._counts[bucket + 1 :].sum() / self.count)

    def curve(self) -> list[Point]:
        """A point for each bucket that holds something, in rising order."""
        used = np.flatnonzero(self._counts)
        shares = np.cumsum(self._counts[used]) / max(1, self.count)
        return [
            Point(share, min(_highest(bucket) * _MICRO, self.maximum))
            for share, bucket in zip(shares.tolist(), used.tolist(), strict=True)
        ]

    def _grow(self, counts: npt.NDArray[np.integer]) -> None:
        longer = max(len(self._counts), len(counts))
        grown = np.zeros(longer, np.int64)
        grown[: len(self._counts)] = self._counts
        grown[: len(counts)] += counts
        self._counts = grown


def _buckets(seconds: npt.NDArray[np.float64]) -> Counts:
    micros = np.minimum(np.rint(seconds / _MICRO), _LONGEST).astype(np.int64)
    _, exponents = np.frexp(micros.astype(np.float64))
    doublings = np.maximum(exponents.astype(np.int64) - _BITS - 1, 0)
    buckets: Counts = doublings * _HALF + (micros >> doublings)
    return buckets


def _highest(bucket: int) -> int:
    """The longest that a bucket holds, in microseconds."""
    doublings = max(0, bucket // _HALF - 1)
    return ((bucket - doublings * _HALF + 1) << doublings) - 1
