"""From streams and rates to cores, memory and Redis: the cost model turned round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bench.scaling.constants import Constants
from bench.scaling.costs import Costs, serving
from bench.scaling.simulation import Sides, open_loop, periodic, poisson

SHARE = 0.7
"""Of what a core does at its limit, what it is given at most: the rest is for what comes
unevenly."""
REDIS_SHARE = 0.5
"""Of its one core: the rounds of many servers come in bursts."""
SHARES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
_MESSAGES = 5_000
"""Of each simulated load."""
_PERIODS = 2
"""Simulated of periodic calls: each is as the one before it."""


@dataclass(frozen=True, slots=True)
class Demand:
    streams: int
    rate_hz: float
    """Steps per second of each."""
    interval: float | None = None
    """Seconds from one round of saving to the next; None: streams are not saved."""

    @property
    def steps_hz(self) -> float:
        return self.streams * self.rate_hz

    @property
    def checkpoints_hz(self) -> float:
        """A stream is saved once a round if it has moved."""
        if self.interval is None:
            return 0.0
        return self.streams * min(self.rate_hz, 1 / self.interval)


def step_us(constants: Constants, model: str, entries: int = 1) -> float:
    """The server's CPU for a step, in turns that are full."""
    return 1e6 / (serving(constants, model, entries).saturated_hz * entries)


class Loaded(NamedTuple):
    """A simulated core under a load."""

    share: float
    """Of the rate at its limit."""
    rate: float
    """Messages per second."""
    busy: float
    batch: float
    p50_us: float
    """From arrival at the server to the answer's departure."""
    p99_us: float


def loaded(
    constants: Constants, model: str, entries: int = 1, shares: Sequence[float] = SHARES
) -> list[Loaded]:
    """A core under ever higher loads of many slow streams, whose messages come at random."""
    costs = serving(constants, model, entries)
    found = []
    for share in shares:
        rate = share * costs.saturated_hz
        seconds = _MESSAGES / rate
        outcome = open_loop(Sides(costs), poisson(rate, seconds), seconds)
        found.append(
            Loaded(
                share,
                rate,
                outcome.busy,
                outcome.batch,
                outcome.trip_us(50),
                outcome.trip_us(99),
            )
        )
    return found


def share(curve: Sequence[Loaded], target_us: float) -> float | None:
    """How much of a core's limit may be used so that the 99th percentile keeps to the target.

    None if even the least load of the curve does not keep to it.
    """
    return max((each.share for each in curve if each.p99_us <= target_us), default=None)


def held(constants: Constants, model: str, demand: Demand, entries: int = 1) -> int:
    """Calls of `entries` streams that one core holds, each answered within its period.

    As many as take `SHARE` of it in full turns, with their saving to Redis; fewer where the 99th
    percentile would be longer than the period.
    """
    costs = serving(constants, model, entries)
    saving = demand.checkpoints_hz / demand.streams * entries * constants.saving.redis_us
    calls = int(SHARE * 1e6 / (demand.rate_hz * 1e6 / costs.saturated_hz + saving))
    while calls and _p99_us(costs, calls, demand.rate_hz) > 1e6 / demand.rate_hz:
        calls -= 1
    return calls


def _p99_us(costs: Costs, calls: int, rate_hz: float) -> float:
    """Of periodic calls, over as many choices of their phases as make enough messages."""
    seconds = _PERIODS / rate_hz
    trips = [
        open_loop(Sides(costs), periodic(calls, rate_hz, seconds, seed), seconds).trips
        for seed in range(max(1, _MESSAGES // (_PERIODS * calls)))
    ]
    return float(np.percentile(np.concatenate(trips), 99))


def memory_bytes(constants: Constants, model: str, streams: int, entries: int = 1) -> float:
    """Of the servers, for the streams alone."""
    memory = constants.memory
    overhead = memory.stream_bytes if entries == 1 else memory.entry_bytes
    return streams * (overhead + constants.arithmetic[model].kept_bytes)


class Redis(NamedTuple):
    """What saving needs."""

    checkpoints_hz: float
    instances: int
    memory_bytes: float
    """Of all instances together."""
    bits_hz: float
    """To all instances together."""


def redis(constants: Constants, model: str, demand: Demand) -> Redis:
    saving, kept = constants.saving, constants.arithmetic[model].kept_bytes
    rate = demand.checkpoints_hz
    return Redis(
        rate,
        math.ceil(rate * saving.redis_side_us * 1e-6 / REDIS_SHARE),
        demand.streams * (kept + saving.redis_memory_bytes),
        8 * rate * (kept + saving.redis_wire_bytes),
    )
