"""Arrivals: for each slot, when its last step came, and how long that was after the one before.

The jitter of a stream is how much this interval varies, step by step. RFC 3550, section 6.4.1,
compares the spacing of two packets where they arrive with their spacing where they were sent. A
step does not say when it was sent, so it is compared with the spacing of the two steps before it:
of a stream that is sent at a steady rate that differs by what the way and the sender add.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from service.core.histogram import Histogram
from service.core.model import Array
from service.core.slots import Index


class Arrivals:
    def __init__(self, jitter: Histogram) -> None:
        """`jitter` is told of each variation, in seconds."""
        self._jitter = jitter
        self._hold(np.zeros(0), np.zeros(0))

    def _hold(self, last: Array, intervals: Array) -> None:
        self._last, self._intervals = last, intervals
        # One number of a view is read and written in half the time.
        self._last_view = cast("memoryview[float]", last.data)
        self._intervals_view = cast("memoryview[float]", intervals.data)

    def reserve(self, capacity: int) -> None:
        """Makes room for slots below `capacity`; what is there stays."""
        missing = np.full(max(0, capacity - len(self._last)), np.nan)
        self._hold(np.append(self._last, missing), np.append(self._intervals, missing))

    def start(self, slot: int) -> None:
        """Another stream has the slot: its first two steps have no jitter."""
        self._last[slot] = self._intervals[slot] = np.nan

    def add(self, slot: int, received: float) -> None:
        """A step came, at `received` seconds; what `add_each` does, without arrays of one."""
        last, intervals = self._last_view, self._intervals_view
        interval = received - last[slot]
        variation = abs(interval - intervals[slot])
        last[slot] = received
        intervals[slot] = interval
        if variation == variation:
            self._jitter.add(variation)

    def add_each(self, slots: Index, received: float | Array) -> None:
        """A step came for each slot, at `received` seconds: float64 [rows], or one for all."""
        intervals = received - self._last[slots]
        variations = np.abs(intervals - self._intervals[slots])
        self._last[slots] = received
        self._intervals[slots] = intervals
        self._jitter.add_each(variations)
