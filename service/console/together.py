"""The streams of many processes as one list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from service.console.view import Line, Listing, Query, Sort, StreamView, View

_KEYS: Mapping[Sort, Callable[[StreamView], Any]] = {
    Sort.ID: lambda each: each.key.id,
    Sort.MODEL: lambda each: (each.model, each.key.id),
    Sort.STEP: lambda each: each.next_step,
    Sort.RATE: lambda each: each.rate,
    Sort.IDLE: lambda each: each.idle,
}


def listing(views: Mapping[str, View], query: Query) -> Listing:
    """`views`: by worker, each in the order that the query asks for."""
    if len(views) == 1:
        return next(iter(views.values())).listing
    parts = [view.listing for view in views.values()]
    streams = [
        replace(each, worker=worker)
        for worker, view in views.items()
        for each in view.listing.streams
    ]
    return Listing(
        tuple(_sorted(streams, query)[: query.limit]),
        sum(part.matched for part in parts),
        sum(part.attached for part in parts),
        sum(part.detached for part in parts),
    )


def line(views: Mapping[str, View]) -> Line | None:
    """Of the process that has the stream; of two, while it changes hands, the one further on."""
    found = [view.line for view in views.values() if view.line]
    return max(found, key=lambda each: each.steps[-1:], default=None)


def _sorted(streams: list[StreamView], query: Query) -> list[StreamView]:
    """What is not known comes last, in either direction."""
    key = _KEYS[query.sort]
    known = [each for each in streams if key(each) is not None]
    unknown = [each for each in streams if key(each) is None]
    return sorted(known, key=key, reverse=query.descending) + unknown
