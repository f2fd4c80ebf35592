"""Plot: round trips."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import median

from bench.page.svg import Drawing, Scale
from bench.ratios import P50, P99, Row

_WIDTH, _LABELS, _WORDS = 960.0, 330.0, 150.0
"""Pixels: of all, left of the axis, right of it."""
_LINE, _TOP, _FOOT = 42.0, 10.0, 30.0


def round_trips(rows: Iterable[Row]) -> str:
    """From p50 to p99, of both sides of every load that has both; empty if none has."""
    loads = [
        found
        for _, group in groupby(
            rows, key=lambda row: (row.what, row.load, row.streams, row.against)
        )
        if (found := _both(list(group)))
    ]
    if not loads:
        return ""
    figures = [
        median(side) for p50, p99 in loads for r in (p50, p99) for side in (r.floor, r.measured)
    ]
    bottom = _TOP + _LINE * len(loads)
    drawing = Drawing(_WIDTH, bottom + _FOOT, "round trips, from p50 to p99")
    axis = Scale(min(figures) / 1.2, max(figures) * 1.2, _LABELS, _WIDTH - _WORDS, logarithmic=True)
    for tick in axis.ticks():
        drawing.line(axis.place(tick), 6, axis.place(tick), bottom, "grid")
        drawing.text(axis.place(tick), bottom + 16, _time(tick), "quiet", "middle")
    for number, (p50, p99) in enumerate(loads):
        y = _TOP + _LINE * (number + 0.5)
        drawing.text(0, y - 2, f"{p50.what}, {p50.label}")
        drawing.text(0, y + 11, f"over {p50.against}", "quiet")
        for offset, kind, low, high in (
            (-8.0, "floor-1", median(p50.floor), median(p99.floor)),
            (8.0, "ours", median(p50.measured), median(p99.measured)),
        ):
            words = f"{_time(low)} to {_time(high)}"
            drawing.box(
                axis.place(low),
                y + offset - 6,
                axis.place(high),
                y + offset + 6,
                f"fill {kind}",
                words,
            )
            drawing.text(_WIDTH, y + offset + 4, words, "", "end")
    return str(drawing)


def _both(rows: Sequence[Row]) -> tuple[Row, Row] | None:
    found = {row.quantity: row for row in rows}
    if P50.name in found and P99.name in found:
        return found[P50.name], found[P99.name]
    return None


def _time(us: float) -> str:
    return f"{us / 1000:.3g} ms" if us >= 1000 else f"{us:.3g} µs"
