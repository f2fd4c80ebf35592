"""The snapshot: everything that the page shows at one moment, as JSON has it.

Times are in seconds, rates in timesteps a second; null is what is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from service.console import together
from service.console.counted import Buckets, Counted
from service.console.history import INTERVAL, History, Look, Recent
from service.console.percentiles import percentile
from service.console.view import Line, Listing, Query, Scope, StreamView
from service.core.histogram import SECONDS, SIZES
from service.core.streams import ModelKey

RATE_SPAN = 2.0
"""Seconds over which the rates of models are taken."""
SPAN = 10.0
"""Seconds of histograms and percentiles."""

Json = dict[str, Any]


class Service(NamedTuple):
    """What there is to say beside the models."""

    release: str
    uptime: float
    ready: bool
    reason: str
    store_away_for: float | None
    """None while it answers."""
    workers: Mapping[str, str]
    """What each does; empty for a single process."""
    device: str = ""
    """On which models run."""


def snapshot_of(service: Service, history: History, look: Look, query: Query) -> Json:
    """`look`: what the processes have answered to `query`."""
    covers = cache(query.scope.covers)
    streams = together.listing(look.views, query)
    recent = _covered(history.recent(look, SPAN).models, covers)
    drawn = together.line(look.views)
    return {
        "service": service._asdict(),
        "models": _models(history, look, query.scope),
        "totals": _counts(_sum(_covered(history.totals(look), covers).values())),
        "rates": {
            "interval": INTERVAL,
            "values": [round(sum(_covered(each, covers).values()), 1) for each in history.rates()],
        },
        "histograms": {"span": SPAN, **_histograms(_sum(recent.values()))},
        "streams": _listing(streams),
        "line": _line(drawn) if drawn else None,
    }


def _models(history: History, look: Look, scope: Scope) -> list[Json]:
    """Every one that serves and may be seen, whichever is asked for."""
    visible = scope.of_all_models()
    streams: dict[ModelKey, int] = {}
    for view in look.views.values():
        for each in view.models:
            if not each.serves:
                continue
            streams[each.model] = streams.get(each.model, 0) + each.streams
    fast, slow = history.recent(look, RATE_SPAN), history.recent(look, SPAN)
    return [
        {
            "name": str(model),
            "streams": count,
            "rate": _of(fast, model).ran / fast.seconds,
            **_recent(_of(slow, model)),
        }
        for model, count in sorted(streams.items())
        if visible.covers(model)
    ]


def _recent(counted: Counted) -> Json:
    return {
        "queue": _percentiles(counted.queue),
        "compute": _percentiles(counted.compute),
        "batch": counted.ran / counted.batches if counted.batches else None,
    }


def _percentiles(buckets: Buckets) -> Json:
    return {
        "p50": percentile(0.5, SECONDS, buckets),
        "p99": percentile(0.99, SECONDS, buckets),
    }


def _of(recent: Recent, model: ModelKey) -> Counted:
    return recent.models.get(model, Counted())


def _counts(counted: Counted) -> Json:
    return {
        "ran": counted.ran,
        "late": counted.late,
        "held": counted.held,
        "replays": counted.replays,
        "errors": counted.errors,
        "batches": counted.batches,
    }


def _histograms(counted: Counted) -> Json:
    return {
        "sizes": _histogram(SIZES, counted.sizes),
        "queue": _histogram(SECONDS, counted.queue),
        "compute": _histogram(SECONDS, counted.compute),
        "write": _histogram(SECONDS, counted.write),
    }


def _histogram(bounds: Sequence[float], buckets: Buckets) -> Json:
    return {"bounds": bounds, "counts": buckets or (0,) * (len(bounds) + 1)}


def _listing(listing: Listing) -> Json:
    return {
        "rows": [_stream(each) for each in listing.streams],
        "matched": listing.matched,
        "attached": listing.attached,
        "detached": listing.detached,
    }


def _stream(stream: StreamView) -> Json:
    return {
        "namespace": stream.key.namespace,
        "id": stream.key.id,
        "model": str(stream.model),
        "next_step": stream.next_step,
        "rate": stream.rate,
        "idle": stream.idle,
        "attached": stream.attached,
        "worker": stream.worker,
    }


def _line(line: Line) -> Json:
    return {
        "model": str(line.model),
        "names": line.names,
        "features": line.features,
        "next_step": line.next_step,
        "steps": line.steps,
        "values": line.values,
    }


def _covered(
    models: Mapping[ModelKey, Any], covers: Callable[[ModelKey], bool]
) -> dict[ModelKey, Any]:
    return {model: each for model, each in models.items() if covers(model)}


def _sum(counted: Iterable[Counted]) -> Counted:
    return sum(counted, Counted())
