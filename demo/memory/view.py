"""An episode as it is streamed: a strip of its timesteps on a terminal, a line elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from demo.memory.episode import Moment
from demo.stage import draws

WIDTH = 72
"""Timesteps in a line of the strip."""

Show = Callable[[Moment], None]


@contextmanager
def watching(console: Console, title: str) -> Iterator[Show]:
    """Takes each moment as it happens."""
    scene = Scene(title)
    if not draws(console):
        yield scene.add
        console.print(f"{title}  {scene.line()}", highlight=False, soft_wrap=True)
        return
    with Live(console=console, auto_refresh=False) as live:

        def show(moment: Moment) -> None:
            scene.add(moment)
            live.update(scene.draw(), refresh=True)

        yield show


class Scene:
    """What has been seen of an episode."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._strip = Text()
        self._told: list[str] = []
        self._due: list[Moment] = []
        self._newest: Moment | None = None

    def add(self, moment: Moment) -> None:
        told, due = moment.asked.told, moment.asked.due
        self._strip.append(moment.asked.glyph, style="bold yellow" if told else "dim")
        if moment.number % WIDTH == 0:
            self._strip.append("\n")
        if told:
            self._told.append(f"{told} at {moment.number}")
        if due:
            self._due.append(moment)
        self._newest = moment

    def line(self) -> str:
        """What was to be remembered, what was answered, and the truth."""
        parts = [f"to remember: {', '.join(self._told)}"]
        if self._due:
            last = self._due[-1].number
            parts.append(f"answered by {last}: {' '.join(moment.answer for moment in self._due)}")
            parts.append(f"true: {' '.join(moment.asked.due for moment in self._due)}")
        return "; ".join(parts)

    def draw(self) -> Panel:
        assert self._newest is not None
        now = f"timestep {self._newest.number:4}  answer {self._newest.answer}"
        return Panel(
            Group(self._strip, Text(now, style="dim"), Text(self.line())),
            title=self._title,
            title_align="left",
            width=WIDTH + 4,
        )
