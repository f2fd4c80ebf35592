"""What a round of checkpoints takes of the device: one copy of all states, or one a stream."""

from __future__ import annotations

import time
from statistics import median
from typing import NamedTuple

import numpy as np

from bench.cuda.rounds import Clock
from bench.package import Network
from service.runtime.stepper import Stepper


class Saved(NamedTuple):
    """Milliseconds of a round that saves so many streams."""

    network: Network
    streams: int
    together_ms: float
    one_by_one_ms: float


def measure(
    stepper: Stepper,
    network: Network,
    streams: int,
    rounds: int,
    clock: Clock = time.perf_counter,
) -> Saved:
    """Medians of rounds by turns."""
    stepper.reserve(streams)
    slots = np.arange(streams)
    together, one_by_one = [], []
    for _ in range(rounds):
        began = clock()
        stepper.save(slots)
        between = clock()
        for slot in np.split(slots, streams):
            stepper.save(slot)
        together.append(between - began)
        one_by_one.append(clock() - between)
    return Saved(network, streams, median(together) * 1e3, median(one_by_one) * 1e3)
