"""A sine as it is heard and foretold: drawn on a terminal, some lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from demo.canvas import Canvas
from demo.sine.loop import Moment
from demo.stage import draws
from models.tasks.sine.wave import AHEAD, HEARD

COLUMNS, ROWS = 64, 8
LIMIT = 1.5
"""The largest value drawn."""
LINE_EVERY = 16
"""Timesteps from line to line."""

Show = Callable[[Moment], None]


@contextmanager
def watching(console: Console, model: str) -> Iterator[Show]:
    """Takes each moment as it happens."""
    if not draws(console):
        yield lambda moment: _print_some(console, moment)
        return
    scene = Scene(model)
    with Live(console=console, auto_refresh=False) as live:

        def show(moment: Moment) -> None:
            scene.add(moment)
            live.update(scene.draw(), refresh=True)

        yield show


def _print_some(console: Console, moment: Moment) -> None:
    if moment.timestep % LINE_EVERY == 0 or moment.timestep == HEARD + AHEAD - 2:
        source = "heard" if moment.heard else "fed back"
        console.print(
            f"timestep {moment.timestep:3}  {source} {moment.given:+.2f}  next: "
            f"foretold {moment.answer:+.2f}, true {moment.true:+.2f}",
            highlight=False,
            soft_wrap=True,
        )


class Scene:
    """Two strips, time from left to right: what was heard, and what was foretold."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._heard = Canvas(COLUMNS, ROWS)
        self._foretold = Canvas(COLUMNS, ROWS)

    def add(self, moment: Moment) -> None:
        if moment.heard:
            _dot(self._heard, moment.timestep, moment.given)
        _dot(self._foretold, moment.timestep + 1, moment.answer)
        self._newest = moment

    def draw(self) -> Panel:
        """At least one moment must have been added."""
        newest = self._newest
        now = "hears the sine" if newest.heard else "goes on by itself"
        return Panel(
            Group(
                Text("heard, noise and all", style="dim"),
                Text(str(self._heard), style="yellow"),
                Text("foretold, a timestep ahead", style="dim"),
                Text(str(self._foretold), style="green"),
                Text(f"timestep {newest.timestep:3}: {now}"),
            ),
            title=self._model,
            title_align="left",
            expand=False,
        )


def _dot(canvas: Canvas, timestep: int, value: float) -> None:
    x = (canvas.width - 1) * timestep / (HEARD + AHEAD - 1)
    canvas.dot(x, (canvas.height - 1) * (1 - value / LIMIT) / 2)
