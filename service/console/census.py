"""The census: which streams a process has, and how they move, found by looking now and then.

A look copies one array for each lane. Nothing is noted at a step.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from operator import is_
from typing import NamedTuple

import numpy as np

from service.console.view import Listing, Query, Sort, StreamView
from service.core.model import Array
from service.core.streams import ModelKey, Stream
from service.lanes.lane import Lane

_SPAN = 3.0
"""Seconds over which a rate is averaged."""
_LEAST_INTERVAL = 0.3
"""Seconds from look to look, however many ask."""
_MOST_INTERVAL = 5.0
"""Seconds after which a look begins anew."""


class _Look(NamedTuple):
    """At one lane, by slot."""

    at: float
    tenants: list[Stream | None]
    steps: Array
    """int64, the next ones."""
    rates: Array
    """float64, timesteps a second; NaN: not known."""
    moved: Array
    """float64, when a step was last seen to have run; NaN: not seen."""


class _Found(NamedTuple):
    stream: Stream
    model: ModelKey
    look: _Look
    row: int


class Census:
    def __init__(self) -> None:
        self._looks: dict[ModelKey, _Look] = {}

    def look(self, lanes: Iterable[Lane], now: float) -> None:
        self._looks = {
            lane.model: _next_look(self._looks.get(lane.model), lane, now) for lane in lanes
        }

    def listing(self, query: Query, now: float) -> Listing:
        inside = list(self._inside(query))
        attached = sum(found.stream.owner is not None for found in inside)
        text = query.text.lower()
        matched = [each for each in inside if _matches(each, text)] if text else inside
        return Listing(
            tuple(_view(each, now) for each in _first(matched, query)),
            len(matched),
            attached,
            len(inside) - attached,
        )

    def _inside(self, query: Query) -> Iterator[_Found]:
        includes = query.scope.includes
        for model, look in self._looks.items():
            if query.scope.covers(model):
                for row, stream in enumerate(look.tenants):
                    if stream and includes(stream.key.namespace):
                        yield _Found(stream, model, look, row)


def _next_look(former: _Look | None, lane: Lane, now: float) -> _Look:
    if former and now - former.at < _LEAST_INTERVAL:
        return former
    tenants, steps = list(lane.tenants), lane.next_steps().copy()
    rates, moved = np.full(len(steps), np.nan), np.full(len(steps), np.nan)
    if former and now - former.at <= _MOST_INTERVAL:
        known = len(former.tenants)
        elapsed = now - former.at
        gained = steps[:known] - former.steps
        same = np.fromiter(map(is_, former.tenants, tenants), bool, known) & (gained >= 0)
        fresh = np.where(np.isnan(former.rates), gained / elapsed, former.rates)
        smooth = fresh + (1 - math.exp(-elapsed / _SPAN)) * (gained / elapsed - fresh)
        rates[:known] = np.where(same, smooth, np.nan)
        moved[:known] = np.where(same, np.where(gained > 0, now, former.moved), np.nan)
    return _Look(now, tenants, steps, rates, moved)


def _matches(found: _Found, text: str) -> bool:
    return text in found.stream.id.lower() or text in str(found.model).lower()


def _first(found: list[_Found], query: Query) -> list[_Found]:
    if query.sort in (Sort.ID, Sort.MODEL):
        by_model = query.sort is Sort.MODEL
        choose = heapq.nlargest if query.descending else heapq.nsmallest
        return choose(
            query.limit, found, key=lambda each: (by_model and each.model, each.stream.key)
        )
    values = np.array([_value(each, query.sort) for each in found])
    order = np.argsort(-values if query.descending else values, kind="stable")  # NaN come last
    return [found[place] for place in order[: query.limit]]


def _value(found: _Found, sort: Sort) -> float:
    look, row = found.look, found.row
    if sort is Sort.STEP:
        return float(look.steps[row])
    return float(look.rates[row] if sort is Sort.RATE else -look.moved[row])


def _view(found: _Found, now: float) -> StreamView:
    look, row = found.look, found.row
    return StreamView(
        found.stream.key,
        found.model,
        look.steps.item(row),
        found.stream.owner is not None,
        _number(look.rates.item(row)),
        _number(now - look.moved.item(row)),
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
