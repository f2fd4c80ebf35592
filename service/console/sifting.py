"""Sifting: of the streams seen, those that a query asks for, and of these the first few."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from service.console.seen import Seen
from service.console.view import Listing, Query, Sort, StreamView
from service.core.model import Array
from service.core.streams import Stream


class _Place(NamedTuple):
    order: Any
    """Text, or a model and text, or a number: the same for all places of a query."""
    seen: Seen
    row: int


class Sifting:
    def __init__(self, query: Query) -> None:
        self._query = query
        self._text = query.text.lower()
        self._backwards = query.descending and query.sort in (Sort.ID, Sort.MODEL)
        self._first: list[_Place] = []
        """In the order asked for; no more than are asked for."""
        self._matched = 0
        self._held = 0
        self._attached = 0

    def take(self, seen: Seen, part: slice) -> None:
        """These slots of a lane in scope."""
        inside = self._inside(seen, part)
        self._held += len(inside)
        self._attached += int(seen.attached[list(inside)].sum())
        if self._text not in str(seen.model).lower():
            inside = {row: one for row, one in inside.items() if self._text in one.key.id.lower()}
        self._matched += len(inside)
        if places := self._worth_a_place(seen, inside):
            ordered = sorted(
                [*self._first, *places], key=attrgetter("order"), reverse=self._backwards
            )
            self._first = ordered[: self._query.limit]

    def _worth_a_place(self, seen: Seen, streams: dict[int, Stream]) -> list[_Place]:
        """Those that come before the last of the first, once these are as many as asked for."""
        orders = zip(self._orders(seen, streams), streams, strict=True)
        if not self._first or len(self._first) < self._query.limit:
            return [_Place(order, seen, row) for order, row in orders]
        last = self._first[-1].order
        if self._backwards:
            return [_Place(order, seen, row) for order, row in orders if order > last]
        return [_Place(order, seen, row) for order, row in orders if order < last]

    def _inside(self, seen: Seen, part: slice) -> dict[int, Stream]:
        """The streams in scope, by slot."""
        scope = self._query.scope
        everything = scope.namespace is None
        return {
            row: one
            for row, one in enumerate(seen.tenants[part], part.start)
            if one and (everything or scope.includes(one.key.namespace))
        }

    def _orders(self, seen: Seen, streams: dict[int, Stream]) -> list[Any]:
        ids = [one.key.id for one in streams.values()]
        match self._query.sort:
            case Sort.ID:
                return ids
            case Sort.MODEL:
                return [(seen.model, id_) for id_ in ids]
            case Sort.STEP:
                return self._numbers(seen.steps[list(streams)])
            case Sort.RATE:
                return self._numbers(seen.rates[list(streams)])
            case Sort.IDLE:
                return self._numbers(-seen.moved[list(streams)])

    def _numbers(self, values: Array) -> list[float]:
        """The first is the least; what is not known comes last, in either direction."""
        turned = -values if self._query.descending else values
        numbers: list[float] = np.where(np.isnan(values), np.inf, turned).tolist()
        return numbers

    def listing(self, now: float) -> Listing:
        """Of the slots that were taken."""
        return Listing(
            tuple(_view(place.seen, place.row, now) for place in self._first),
            self._matched,
            self._attached,
            self._held - self._attached,
        )


def _view(seen: Seen, row: int, now: float) -> StreamView:
    stream = seen.tenants[row]
    assert stream
    return StreamView(
        stream.key,
        seen.model,
        seen.steps.item(row),
        seen.attached.item(row),
        _number(seen.rates.item(row)),
        _number(now - seen.moved.item(row)),
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
