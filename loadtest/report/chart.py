"""Drawings as SVG, in the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from loadtest.report.scales import Scale
from loadtest.wording import Words

WIDTH, HEIGHT = 960, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 30, 12, 44
PLOT_X = (LEFT, WIDTH - RIGHT)
PLOT_Y = (HEIGHT - BOTTOM, TOP)
"""Pixels; y grows downwards."""
_LABEL = 6
"""Between a mark and its text."""


class Point(NamedTuple):
    x: float
    y: float


class Chart:
    """Axes, and what is drawn between them, from the back to the front."""

    def __init__(self, x: Scale, y: Scale) -> None:
        self.x, self.y = x, y
        self._parts: list[str] = []
        self._legend: list[str] = []

    def svg(self, title: str) -> str:
        """`title`: for those who do not see it."""
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">\n'
            f"{''.join(self._parts)}</svg>\n"
        )

    @property
    def legend(self) -> str:
        return f'<p class="legend">{"".join(self._legend)}</p>\n' if self._legend else ""

    def axes(self, x_words: Words, y_words: Words, x_label: str) -> None:
        self.y_marks(y_words)
        self.x_marks([(value, x_words(value)) for value in self.x.ticks()])
        self._text((PLOT_X[0] + PLOT_X[1]) / 2, HEIGHT - 6, x_label, "middle")

    def y_marks(self, words: Words) -> None:
        for value in self.y.ticks():
            y = self.y.place(value)
            self._line((PLOT_X[0], y), (PLOT_X[1], y), "grid")
            self._text(PLOT_X[0] - _LABEL, y + 4, words(value), "end")

    def x_marks(self, marks: Sequence[tuple[float, str]]) -> None:
        self._line((PLOT_X[0], PLOT_Y[0]), (PLOT_X[1], PLOT_Y[0]), "axis")
        for value, words in marks:
            x = self.x.place(value)
            self._line((x, PLOT_Y[0]), (x, PLOT_Y[0] + 4), "axis")
            self._text(x, PLOT_Y[0] + 18, words, "middle")

    def x_grid(self, values: Sequence[float]) -> None:
        for value in values:
            x = self.x.place(value)
            self._line((x, PLOT_Y[0]), (x, PLOT_Y[1]), "grid")

    def shade(self, low: float, high: float, words: str) -> None:
        """A stretch of the x axis that is of another kind."""
        left, right = self.x.place(low), self.x.place(high)
        self._parts.append(
            f'<rect class="shade" x="{left:.1f}" y="{PLOT_Y[1]}" width="{right - left:.1f}" '
            f'height="{PLOT_Y[0] - PLOT_Y[1]}"/>\n'
        )
        self._text((left + right) / 2, PLOT_Y[1] + 14, words, "middle")

    def upright(self, value: float, words: str) -> None:
        x = self.x.place(value)
        self._line((x, PLOT_Y[0]), (x, PLOT_Y[1]), "mark")
        anchor, offset = ("end", -_LABEL) if x > WIDTH / 2 else ("start", _LABEL)
        self._text(x + offset, PLOT_Y[1] + 12, words, anchor)

    def level(self, value: float, words: str) -> None:
        y = self.y.place(value)
        self._line((PLOT_X[0], y), (PLOT_X[1], y), "mark")
        self._text(PLOT_X[1] - _LABEL, y - _LABEL, words, "end")

    def curve(self, points: Sequence[Point], series: int, name: str, kind: str = "curve") -> None:
        if points:
            self._parts.append(
                f'<polyline class="{kind} s{series}" points="{self._placed(points)}"/>\n'
            )
        self._named(name, f"{kind} s{series}")

    def band(self, lower: Sequence[Point], upper: Sequence[Point], series: int) -> None:
        if upper:
            around = self._placed([*upper, *reversed(lower)])
            self._parts.append(f'<polygon class="band s{series}" points="{around}"/>\n')

    def dot(self, point: Point, series: int, words: str, *, hollow: bool = False) -> None:
        x, y = self.x.place(point.x), self.y.place(point.y)
        kind = "hollow" if hollow else "dot"
        self._parts.append(
            f'<circle class="{kind} s{series}" cx="{x:.1f}" cy="{y:.1f}" r="4">'
            f"<title>{escape(words)}</title></circle>\n"
        )

    def bar(self, low: float, high: float, value: float, series: int, words: str) -> None:
        left, right = self.x.place(low), self.x.place(high)
        top, foot = self.y.place(value), self.y.place(self.y.low)
        gap = min(2.0, (right - left) * 0.1)
        self._parts.append(
            f'<rect class="bar s{series}" x="{left + gap / 2:.1f}" y="{top:.1f}" '
            f'width="{max(1.0, right - left - gap):.1f}" height="{foot - top:.1f}">'
            f"<title>{escape(words)}</title></rect>\n"
        )

    def hint(self, low: float, high: float, words: str) -> None:
        """Text for who points at a stretch of the x axis."""
        left, right = self.x.place(low), self.x.place(high)
        self._parts.append(
            f'<rect class="hint" x="{left:.1f}" y="{PLOT_Y[1]}" width="{right - left:.1f}" '
            f'height="{PLOT_Y[0] - PLOT_Y[1]}"><title>{escape(words)}</title></rect>\n'
        )

    def _placed(self, points: Sequence[Point]) -> str:
        return " ".join(f"{self.x.place(x):.1f},{self.y.place(y):.1f}" for x, y in points)

    def _line(self, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
        (x1, y1), (x2, y2) = start, end
        self._parts.append(
            f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>\n'
        )

    def _text(self, x: float, y: float, words: str, anchor: str) -> None:
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>\n'
        )

    def _named(self, name: str, kind: str) -> None:
        if name:
            self._legend.append(
                f'<span><svg class="key" viewBox="0 0 24 10"><line class="{kind}" x1="1" y1="5" '
                f'x2="23" y2="5"/></svg>{escape(name)}</span>'
            )
