"""Just enough SVG for the plots of the page. Colours are classes of its style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STEPS = (1, 2, 5)
_MOST = 8
"""Intervals between the ticks of a linear axis."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places on an axis: from `low` at `start` to `high` at `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """1, 2 or 5 times a power of ten; all of these within a logarithmic axis."""
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [step * 10.0**power for power in powers for step in _STEPS]
        else:
            width = _round_up((self.high - self.low) / _MOST)
            first = math.ceil(self.low / width)
            found = [width * number for number in range(first, first + _MOST + 1)]
        return [tick for tick in found if self.low <= tick <= self.high * (1 + 1e-9)]


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (*_STEPS, 10) if step * power >= value)


class Drawing:
    """Elements in the order in which they were drawn; places are pixels from the upper left."""

    def __init__(self, width: float, height: float, says: str) -> None:
        """`says`: what the picture shows, for those who do not see it."""
        self._parts = [
            f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(says)}">'
        ]

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self._parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'
        )

    def curve(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline points="{places}" class="{kind}"/>')

    def box(self, x1: float, y1: float, x2: float, y2: float, kind: str, tip: str = "") -> None:
        """Between two corners, in any order."""
        x, y, width, height = min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1)
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1.5" '
            f'class="{kind}">{_tip(tip)}</rect>'
        )

    def dot(self, x: float, y: float, kind: str, tip: str = "") -> None:
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="{kind}">{_tip(tip)}</circle>'
        )

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        """`y`: of the base line."""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">'
            f"{escape(words)}</text>"
        )

    def __str__(self) -> str:
        return "".join([*self._parts, "</svg>"])


def _tip(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""
