"""Costs from measured loads: least squares over relative errors, no cost below zero."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.scaling.costs import cold_share


class Spent(NamedTuple):
    """CPU of one side under one load, in microseconds per turn of its event loop."""

    cpu_us: float
    messages: float
    idle_us: float


def spent(cpu_us: float, rate: float, batch: float, known_us: float = 0.0) -> Spent:
    """Of `cpu_us` per message at `rate` messages/s, `batch` in a turn; `known_us` per turn is
    accounted for.
    """
    turn_us = batch / rate * 1e6
    return Spent(cpu_us * batch - known_us, batch, max(0.0, turn_us - cpu_us * batch))


class Fitted(NamedTuple):
    turn_us: float
    message_us: float
    cold_us: float


def turns(loads: Sequence[Spent]) -> Fitted:
    """What a turn, a message in it and a cold start of it cost."""
    parts = [[1.0, load.messages, cold_share(load.idle_us)] for load in loads]
    return Fitted(*nonnegative(parts, [load.cpu_us for load in loads]))


def nonnegative(parts: ArrayLike, totals: ArrayLike) -> list[float]:
    """Costs x ≥ 0 with parts · x ≈ totals, by the least squares of relative errors.

    `parts` is [loads, costs], `totals` [loads]. The best of all choices of costs that are not
    zero: there are few.
    """
    rows = np.asarray(parts, float) / np.asarray(totals, float)[:, None]
    best: NDArray[np.float64] = np.zeros(rows.shape[1])
    least = float(len(rows))
    for count in range(1, rows.shape[1] + 1):
        for columns in combinations(range(rows.shape[1]), count):
            found = np.linalg.lstsq(rows[:, columns], np.ones(len(rows)), rcond=None)[0]
            error = float(((rows[:, columns] @ found - 1) ** 2).sum())
            if (found >= 0).all() and error < least:
                least, best = error, np.zeros(rows.shape[1])
                best[list(columns)] = found
    return [float(cost) for cost in best]
