"""Rounds by turns, so that a machine that drifts drifts for all sides."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from bench.cuda.sides import Side
from bench.load import Round

Clock = Callable[[], float]


class Plan(NamedTuple):
    """How long is measured, and at which sizes."""

    sizes: Sequence[int]
    """Rows of a step."""
    rounds: int = 5
    """Of each side, at each size."""
    seconds: float = 0.3
    """Of each round."""
    served: Sequence[int] = (256, 1024, 4096)
    """Streams of the service."""
    served_rounds: int = 3
    served_seconds: float = 2.0
    """Of each of its rounds."""
    first_steps: int = 20
    """Of a side, unmeasured, before its first round: memory is planned, kernels are chosen."""


FULL = Plan(sizes=(1, 4, 16, 64, 256, 1024, 4096, 16384))
QUICK = Plan(
    sizes=(1, 4, 16),
    rounds=1,
    seconds=0.05,
    served=(64,),
    served_rounds=1,
    served_seconds=0.3,
    first_steps=2,
)


def by_turns(sides: Sequence[Side], rows: int, plan: Plan) -> list[list[Round]]:
    """The rounds of each side, which have begun with so many rows."""
    for side in sides:
        for _ in range(plan.first_steps):
            side.step()
    taken = [[timed(side, rows, plan.seconds) for side in sides] for _ in range(plan.rounds)]
    return [list(rounds) for rounds in zip(*taken, strict=True)]


def timed(side: Side, rows: int, seconds: float, clock: Clock = time.perf_counter) -> Round:
    """A round of one step or more: rows stepped per second, and how long a step of all takes."""
    # The processor and the device have been at the other sides.
    side.step()
    cpu = time.process_time()
    took: list[float] = []
    now = began = clock()
    while not took or now < began + seconds:
        side.step()
        before, now = now, clock()
        took.append(now - before)
    stepped = rows * len(took)
    p50, p99 = np.percentile(took, [50, 99]) * 1e6
    spent = (time.process_time() - cpu) / stepped
    return Round(stepped / (now - began), float(p50), float(p99), spent * 1e6)
