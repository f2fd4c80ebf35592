"""The census: which streams a process has, and how they move, found by looking now and then.

A look copies one array for each lane. Nothing is noted at a step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from operator import is_
from typing import NamedTuple

import numpy as np

from service.console.view import Listing, Query, Scope, Sort, StreamView
from service.core.model import Array
from service.core.streams import ModelKey, Stream, StreamKey
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
    attached: Array
    """bool, whether there is a stream that someone is connected to."""
    steps: Array
    """int64, the next ones."""
    rates: Array
    """float64, timesteps a second; NaN: not known."""
    moved: Array
    """float64, when a step was last seen to have run; NaN: not seen."""


class _Part(NamedTuple):
    """Of a listing: streams of one lane."""

    model: ModelKey
    look: _Look
    rows: Array
    """int64, slots."""

    def each_key(self) -> Iterator[StreamKey]:
        tenants = self.look.tenants
        for row in self.rows.tolist():
            stream = tenants[row]
            assert stream
            yield stream.key

    def values(self, sort: Sort) -> Array:
        """float64."""
        of = {
            Sort.STEP: self.look.steps,
            Sort.RATE: self.look.rates,
            Sort.IDLE: -self.look.moved,
        }
        return of[sort][self.rows].astype(np.float64)


class Census:
    def __init__(self) -> None:
        self._looks: dict[ModelKey, _Look] = {}

    def look(self, lanes: Iterable[Lane], now: float) -> None:
        self._looks = {
            lane.model: _next_look(self._looks.get(lane.model), lane, now) for lane in lanes
        }

    def listing(self, query: Query, now: float) -> Listing:
        """Of the streams as they were at the last look."""
        inside = [
            _Part(model, look, _rows(look, query.scope))
            for model, look in self._looks.items()
            if query.scope.covers(model)
        ]
        held = sum(len(part.rows) for part in inside)
        attached = sum(int(part.look.attached[part.rows].sum()) for part in inside)
        matched = [_matching(part, query.text.lower()) for part in inside]
        return Listing(
            tuple(_view(part, row, now) for part, row in _first(matched, query)),
            sum(len(part.rows) for part in matched),
            attached,
            held - attached,
        )


def _next_look(former: _Look | None, lane: Lane, now: float) -> _Look:
    if former and now - former.at < _LEAST_INTERVAL:
        return former
    tenants, steps = list(lane.tenants), lane.next_steps().copy()
    attached = np.fromiter((one is not None and one.owner is not None for one in tenants), bool)
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
    return _Look(now, tenants, attached, steps, rates, moved)


def _rows(look: _Look, scope: Scope) -> Array:
    """Of the streams in scope."""
    everything = scope.namespace is None
    rows = [
        row
        for row, stream in enumerate(look.tenants)
        if stream and (everything or scope.includes(stream.key.namespace))
    ]
    return np.array(rows, np.int64)


def _matching(part: _Part, text: str) -> _Part:
    if text in str(part.model).lower():
        return part
    found = np.fromiter((text in key.id.lower() for key in part.each_key()), bool, len(part.rows))
    return part._replace(rows=part.rows[found])


def _first(parts: Sequence[_Part], query: Query) -> list[tuple[_Part, int]]:
    """The slots of the streams to list."""
    places = [(part, row) for part in parts for row in part.rows.tolist()]
    return [places[place] for place in _places(parts, query)]


def _places(parts: Sequence[_Part], query: Query) -> list[int]:
    if query.sort in (Sort.ID, Sort.MODEL):
        ids = [key.id for part in parts for key in part.each_key()]
        ordered = sorted(range(len(ids)), key=ids.__getitem__, reverse=query.descending)
        if query.sort is Sort.MODEL:
            models = [part.model for part in parts for _ in part.rows]
            ordered.sort(key=models.__getitem__, reverse=query.descending)
        return ordered[: query.limit]
    values = np.concatenate([np.zeros(0), *(part.values(query.sort) for part in parts)])
    order = np.argsort(-values if query.descending else values, kind="stable")
    places: list[int] = order[: query.limit].tolist()  # NaN come last
    return places


def _view(part: _Part, row: int, now: float) -> StreamView:
    look, stream = part.look, part.look.tenants[row]
    assert stream
    return StreamView(
        stream.key,
        part.model,
        look.steps.item(row),
        look.attached.item(row),
        _number(look.rates.item(row)),
        _number(now - look.moved.item(row)),
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
