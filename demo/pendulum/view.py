"""An episode as it happens: drawn on a terminal, a line a second elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from demo.canvas import Canvas
from demo.pendulum.loop import Moment
from demo.stage import draws
from models.tasks.pendulum.world import MAX_TORQUE, PERIOD, UPRIGHT

COLUMNS, ROWS = 22, 11
"""The drawn pendulum, in characters."""
HISTORY_COLUMNS, HISTORY_ROWS = 66, 4
BAR = 10
"""Characters of the torque's bar to either side."""
FRAME = 1 / 30
"""Seconds between drawings at least."""
LINE_EVERY = round(1 / PERIOD)
"""Timesteps from line to line."""

Show = Callable[[Moment], None]


@contextmanager
def watching(console: Console, model: str, timesteps: int) -> Iterator[Show]:
    """Takes each moment of an episode as it happens."""
    if not draws(console):
        yield lambda moment: _print_some(console, model, moment, timesteps)
        return
    # The loop itself refreshes, in the slack of a period: no thread gets between its steps.
    with Live(console=console, auto_refresh=False) as live:
        yield _Drawn(Scene(model, timesteps), live, timesteps)


def _print_some(console: Console, model: str, moment: Moment, timesteps: int) -> None:
    if moment.timestep % LINE_EVERY == 0 or moment.timestep == timesteps - 1:
        console.print(
            f"{model}  {moment.timestep * PERIOD:5.2f} s  angle {moment.angle:+.2f} rad  "
            f"torque {moment.torque:+.2f} N m  round trip {1e3 * moment.round_trip:.2f} ms",
            highlight=False,
            soft_wrap=True,
        )


class _Drawn:
    def __init__(self, scene: Scene, live: Live, timesteps: int) -> None:
        self._scene, self._live = scene, live
        self._last = timesteps - 1
        self._drawn = -math.inf

    def __call__(self, moment: Moment) -> None:
        self._scene.add(moment)
        now = time.monotonic()
        if now - self._drawn >= FRAME or moment.timestep == self._last:
            self._drawn = now
            self._live.update(self._scene.draw(), refresh=True)


class Scene:
    """What has been seen of an episode. What it costs to draw does not grow with its length."""

    def __init__(self, model: str, timesteps: int) -> None:
        self._model, self._timesteps = model, timesteps
        self._history = Canvas(HISTORY_COLUMNS, HISTORY_ROWS)
        self._late = 0

    def add(self, moment: Moment) -> None:
        """The next moment of the episode."""
        self._newest = moment
        self._late += moment.late
        x = (self._history.width - 1) * moment.timestep / self._timesteps
        y = (self._history.height - 1) * abs(moment.angle) / math.pi
        self._history.dot(x, y)

    def draw(self) -> Panel:
        """The newest moment, and |angle| so far. At least one moment must have been added."""
        colour = "green" if abs(self._newest.angle) < UPRIGHT else "yellow"
        now = Table.grid(padding=(0, 3))
        now.add_column()
        now.add_column(vertical="middle")
        now.add_row(Text(rod(self._newest.angle), style=colour), self._readings())
        so_far = Text(f"upright\n{self._history}\nhanging", style="dim")
        so_far.stylize(colour, so_far.plain.index("\n"), so_far.plain.rindex("\n"))
        return Panel(
            Group(now, Text(), so_far), title=self._model, title_align="left", expand=False
        )

    def _readings(self) -> Table:
        newest = self._newest
        readings = Table.grid(padding=(0, 2))
        for label, value in (
            ("elapsed", f"{newest.timestep * PERIOD:5.2f} s of {self._timesteps * PERIOD:g} s"),
            ("angle", f"{newest.angle:+5.2f} rad from upright"),
            ("torque", f"{newest.torque:+5.2f} N m"),
            ("", bar(newest.torque / MAX_TORQUE)),
            ("round trip", f"{1e3 * newest.round_trip:5.2f} ms"),
            ("late steps", f"{self._late:5}"),
        ):
            readings.add_row(Text(label, style="dim"), value)
        return readings


def rod(angle: float) -> str:
    """A pendulum at an angle from upright in radians, counter-clockwise, in braille."""
    canvas = Canvas(COLUMNS, ROWS)
    x, y = (canvas.width - 1) / 2, (canvas.height - 1) / 2
    length, bob, pivot = 0.78 * y, 0.2 * y, 0.06 * y
    end_x, end_y = x - length * math.sin(angle), y - length * math.cos(angle)
    for shift in (-0.7, 0, 0.7):
        canvas.line(
            x + shift * math.cos(angle),
            y - shift * math.sin(angle),
            end_x + shift * math.cos(angle),
            end_y - shift * math.sin(angle),
        )
    canvas.disc(end_x, end_y, bob)
    canvas.disc(x, y, pivot)
    return str(canvas)


def bar(share: float) -> str:
    """From the middle to the left or right; `share` in [-1, 1]."""
    length = round(abs(share) * BAR)
    left, right = (length, 0) if share < 0 else (0, length)
    return f"{'█' * left:>{BAR}}│{'█' * right:<{BAR}}"
