"""Plot: each row of the table over its goal."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench import wording
from bench.page.svg import Drawing, Scale
from bench.ratios import Row

_WIDTH, _LABELS, _WORDS = 960.0, 330.0, 150.0
"""Pixels: of all, left of the axis, right of it."""
_LINE, _TOP, _FOOT = 34.0, 12.0, 30.0


def goals(rows: Sequence[Row]) -> str:
    """Each row over its goal: what is left of the line is as it is to be."""
    rows = [row for row in rows if row.goal]
    shares = [_shares(row) for row in rows]
    high = max(1.5, *(max(share) for share in shares))
    low = min(0.66, *(min(share) for share in shares))
    bottom = _TOP + _LINE * len(rows)
    drawing = Drawing(_WIDTH, bottom + _FOOT, "each row of the table over its goal")
    axis = Scale(low / 1.08, high * 1.08, _LABELS, _WIDTH - _WORDS, logarithmic=True)
    for tick in axis.ticks():
        drawing.line(axis.place(tick), 6, axis.place(tick), bottom, "grid")
        drawing.text(axis.place(tick), bottom + 16, f"{tick:g}", "quiet", "middle")
    drawing.line(axis.place(1), 2, axis.place(1), bottom, "goal")
    for number, (row, share) in enumerate(zip(rows, shares, strict=True)):
        y = _TOP + _LINE * (number + 0.5)
        kind = wording.kind(row)
        drawing.text(0, y - 2, f"{row.what}, {row.label}")
        drawing.text(0, y + 11, f"{row.quantity} over {row.against}", "quiet")
        drawing.line(axis.place(min(share)), y, axis.place(max(share)), y, f"whisker {kind}")
        for end in (min(share), max(share)):
            drawing.line(axis.place(end), y - 5, axis.place(end), y + 5, f"whisker {kind}")
        drawing.dot(axis.place(median(share)), y, f"dot {kind}", wording.ratio(row))
        drawing.text(_WIDTH, y + 4, f"{row.ratio:.2f}, {wording.goal(row)}", "", "end")
    return str(drawing)


def _shares(row: Row) -> list[float]:
    """Of the goal, so that 1 reaches it and less is better."""
    assert row.goal
    bound = row.goal.bound
    return [bound / ratio if row.at_least else ratio / bound for ratio in row.ratios]
