"""A lane as it was seen at one moment, and how its streams have moved since the moment before.

To see it copies one array. Nothing is noted at a step.
"""

from __future__ import annotations

import math
from operator import is_
from typing import NamedTuple

import numpy as np

from service.console.slices import slices
from service.core.model import Array
from service.core.streams import ModelKey, Stream
from service.lanes.lane import Lane

_SPAN = 3.0
"""Seconds over which a rate is averaged."""
_LEAST_INTERVAL = 0.3
"""Seconds from moment to moment, however many ask."""
_MOST_INTERVAL = 5.0
"""Seconds after which rates begin anew."""


class Seen(NamedTuple):
    """By slot."""

    model: ModelKey
    at: float
    tenants: list[Stream | None]
    attached: Array
    """bool, whether there is a stream that someone is connected to."""
    steps: Array
    """int64, the next ones."""
    rates: Array
    """float64, timesteps a second; NaN: not known."""
    moved: Array
    """float64, when a step was last seen to have run; NaN: not seen."""


async def seen_next(former: Seen | None, lane: Lane, now: float) -> Seen:
    """`former`: itself, if it is of a moment ago."""
    if former and now - former.at < _LEAST_INTERVAL:
        return former
    tenants, steps = list(lane.tenants), lane.next_steps().copy()
    before = former.tenants if former and now - former.at <= _MOST_INTERVAL else []
    attached = np.zeros(len(tenants), bool)
    stayed = np.zeros(min(len(tenants), len(before)), bool)
    async for part in slices(len(tenants)):
        attached[part] = [one is not None and one.owner is not None for one in tenants[part]]
        stayed[part] = list(map(is_, before[part], tenants[part]))
    rates, moved = np.full(len(tenants), np.nan), np.full(len(tenants), np.nan)
    if former:
        known = slice(len(stayed))
        rates[known], moved[known] = _motion(former, stayed, steps[known], now)
    return Seen(lane.model, now, tenants, attached, steps, rates, moved)


def _motion(former: Seen, stayed: Array, steps: Array, now: float) -> tuple[Array, Array]:
    """Rates, and when each has moved; float64, by slot.

    `stayed`: bool, whether it is the same stream as before.
    """
    known = slice(len(stayed))
    elapsed, rates = now - former.at, former.rates[known]
    gained = steps - former.steps[known]
    same = stayed & (gained >= 0)
    fresh = np.where(np.isnan(rates), gained / elapsed, rates)
    smooth = fresh + (1 - math.exp(-elapsed / _SPAN)) * (gained / elapsed - fresh)
    moved = np.where(gained > 0, now, former.moved[known])
    return np.where(same, smooth, np.nan), np.where(same, moved, np.nan)
