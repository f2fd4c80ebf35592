"""When each step is due, whether or not the one before it was answered.

Whoever sends a step only when the former is answered stops asking while a server stalls, and
leaves out of its figures all that would have been asked meanwhile: coordinated omission.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from loadtest.load import Load

_DRAWN = 64
"""Random gaps that are made at a time."""


class Arrival(NamedTuple):
    """A step of a stream. Times in seconds, as in Load: below 0 during the ramp."""

    at: float
    stream: int
    following: float
    """When the stream's next step is due; infinite where nothing says."""


def joins(load: Load, stream: int) -> float:
    """When a stream begins: one after another over the ramp."""
    return -load.ramp * (1 - stream / load.streams)


def arrivals(load: Load, streams: Iterable[int]) -> Iterator[Arrival]:
    """The steps of some of the streams, in the order in which they are due.

    Each stream's are the same whichever others it is asked with. In a closed loop only the first
    of each stream: the others are due when they are answered.
    """
    if load.rate is None:
        first = (Arrival(joins(load, stream), stream, math.inf) for stream in streams)
        return iter(sorted(first))
    rate = load.rate
    return heapq.merge(*(_of_stream(load, rate, stream) for stream in streams))


def _of_stream(load: Load, rate: float, stream: int) -> Iterator[Arrival]:
    times = _random(load, rate, stream) if load.arrivals == "poisson" else _even(load, rate, stream)
    for at, following in itertools.pairwise(times):
        if at >= load.duration:
            return
        yield Arrival(at, stream, following)


def _even(load: Load, rate: float, stream: int) -> Iterator[float]:
    """One period apart; the streams' phases are spread over the period, or all the same."""
    phase = 0.0 if load.arrivals == "together" else stream / load.streams
    first = math.ceil(joins(load, stream) * rate - phase)
    for number in itertools.count(first):
        yield (number + phase) / rate


def _random(load: Load, rate: float, stream: int) -> Iterator[float]:
    """A Poisson process: the gaps are exponential, whatever came before."""
    random = np.random.default_rng([load.seed, stream])
    at = joins(load, stream)
    while True:
        for gap in random.exponential(1 / rate, _DRAWN).tolist():
            at += gap
            yield at
