"""Plot: the batches that formed."""

from __future__ import annotations

import math

from bench.batches import Histogram
from bench.page.svg import Drawing, Scale

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT = 300.0, 170.0, 36.0, 10.0, 8.0
_BINS = 24
"""At most."""


def histogram(occurred: Histogram) -> str:
    """The share of the answers by the size of the batch that they came from."""
    largest = max(occurred)
    size = math.ceil(largest / _BINS)
    bins: dict[int, int] = {}
    for batch, answers in occurred.items():
        bins[(batch - 1) // size] = bins.get((batch - 1) // size, 0) + answers
    total = sum(bins.values())
    drawing = Drawing(_WIDTH, _HEIGHT, "answers by the size of their batch")
    across = Scale(0, math.ceil(largest / size), _LEFT, _WIDTH - _RIGHT)
    up = Scale(0, max(bins.values()) / total * 1.05, _HEIGHT - 34, _TOP)
    for tick in up.ticks()[::2]:
        drawing.line(_LEFT, up.place(tick), _WIDTH - _RIGHT, up.place(tick), "grid")
        drawing.text(_LEFT - 6, up.place(tick) + 4, f"{tick:.0%}", "quiet", "end")
    for number, count in sorted(bins.items()):
        first, last = number * size + 1, (number + 1) * size
        sizes = f"{first}" if size == 1 else f"{first} to {last}"
        drawing.box(
            across.place(number) + 0.75,
            up.place(count / total),
            across.place(number + 1) - 0.75,
            up.place(0),
            "fill ours",
            f"batches of {sizes}: {count / total:.1%} of the answers",
        )
    drawing.text(_LEFT, _HEIGHT - 18, "1", "quiet")
    drawing.text(_WIDTH - _RIGHT, _HEIGHT - 18, f"{largest}", "quiet", "end")
    drawing.text((_LEFT + _WIDTH) / 2, _HEIGHT - 4, "streams in the batch", "quiet", "middle")
    return str(drawing)
