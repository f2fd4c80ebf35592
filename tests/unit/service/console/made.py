"""Views of made-up processes."""

from __future__ import annotations

from service.console.counted import Counted
from service.console.history import Look
from service.console.view import Line, Listing, ModelView, StreamView, View
from service.core.streams import ModelKey, StreamKey

GRU = ModelKey("gru", 3)
LSTM = ModelKey("lstm", 1)


def view(ran: int = 0, model: ModelKey = GRU, streams: int = 1, **changes: object) -> View:
    models = (ModelView(model, streams, Counted(ran=ran)),)
    return View(**({"models": models} | changes))  # type: ignore[arg-type]  # names are checked when called


def look(at: float, **views: View) -> Look:
    return Look(at, views)


def stream(id_: str, next_step: int = 1, rate: float | None = None) -> StreamView:
    return StreamView(StreamKey("", id_), GRU, next_step, True, rate)


def listing(*streams: StreamView) -> Listing:
    return Listing(streams, len(streams), len(streams), 0)


def line(*steps: int) -> Line:
    return Line(GRU, ("y",), 1, steps[-1] + 1, steps, (tuple(map(float, steps)),))
