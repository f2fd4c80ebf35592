"""Plots: a figure by the number of streams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from bench.page.svg import Drawing, Scale
from bench.ratios import Row
from bench.rows.messages import BOTH

_FLOORS = {"echo": "floor-1", BOTH: "floor-2"}
"""What is drawn beside the service, and its class in the page's style."""

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT = 460.0, 260.0, 60.0, 16.0, 12.0


class Curve(NamedTuple):
    name: str
    kind: str
    points: Sequence[tuple[int, float]]
    """Number of streams, and the figure."""


def by_streams(curves: Sequence[Curve], unit: str) -> str:
    """A figure by the number of streams."""
    streams = sorted({number for curve in curves for number, _ in curve.points})
    highest = max(figure for curve in curves for _, figure in curve.points)
    drawing = Drawing(_WIDTH, _HEIGHT, f"{unit} by number of streams")
    across = Scale(streams[0], max(streams[-1], 2), _LEFT, _WIDTH - _RIGHT, logarithmic=True)
    up = Scale(0, highest * 1.05, _HEIGHT - 40, _TOP)
    for tick in up.ticks():
        drawing.line(_LEFT, up.place(tick), _WIDTH - _RIGHT, up.place(tick), "grid")
        drawing.text(_LEFT - 8, up.place(tick) + 4, f"{tick:,g}", "quiet", "end")
    for number in streams:
        drawing.text(across.place(number), _HEIGHT - 22, f"{number}", "quiet", "middle")
    drawing.text((_LEFT + _WIDTH) / 2, _HEIGHT - 4, "streams", "quiet", "middle")
    for curve in curves:
        points = [(across.place(number), up.place(figure)) for number, figure in curve.points]
        drawing.curve(points, f"curve {curve.kind}")
        for (x, y), (_, figure) in zip(points, curve.points, strict=True):
            drawing.dot(x, y, f"dot {curve.kind}", f"{curve.name}: {figure:,.1f} {unit}")
    return str(drawing)


def curves_of(rows: Iterable[Row], quantity: str) -> list[Curve]:
    """Of the floors and the service, where loads differ in the number of streams alone."""
    plain = [
        row
        for row in rows
        if row.quantity == quantity
        and row.what == "service"
        and row.against in _FLOORS
        and not row.load
    ]
    floors = sorted({row.against for row in plain}, key=list(_FLOORS).index)
    curves = [
        Curve(
            floor,
            _FLOORS[floor],
            [(row.streams, median(row.floor)) for row in plain if row.against == floor],
        )
        for floor in floors
    ]
    ours = {row.streams: median(row.measured) for row in plain}
    return [*curves, Curve("service", "ours", sorted(ours.items()))] if ours else []
