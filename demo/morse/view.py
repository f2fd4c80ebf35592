"""What a key sounds like, and what is read from it: a line for each letter, drawn as it comes."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from demo.morse.listening import Moment
from models.tasks.morse.code import SPACE

LEVELS = "▁▂▃▄▅▆▇█"
PLAIN_LEVELS = "__..--##"
WIDTH = 56
"""Timesteps on a line."""


class View:
    """Draws each timestep at once; the letter and the text so far follow when they are read."""

    def __init__(self, console: Console) -> None:
        self._console = console
        is_utf = console.encoding.lower().startswith("utf")
        self._levels = LEVELS if is_utf else PLAIN_LEVELS
        self._drawn = 0
        self._text = ""

    def show(self, moment: Moment) -> None:
        if self._drawn == WIDTH:
            self.end_line()
        self._print(Text(level(moment.loudness, self._levels), style="cyan"))
        self._drawn += 1
        if moment.added:
            self._text += moment.added
            self._print(Text(" " * (WIDTH - self._drawn)))
            self._print(Text(f"  {_named(moment.added):<7}", style="bold green"))
            self._print(Text(self._text))
            self.end_line()

    def end_line(self) -> None:
        """What was drawn without a letter stands by itself."""
        if self._drawn:
            self._console.print()
        self._drawn = 0

    def _print(self, text: Text) -> None:
        self._console.print(text, end="", soft_wrap=True, highlight=False)


def level(loudness: float, levels: str = LEVELS) -> str:
    """A character of that height; loudness from 0 to 1 has them all."""
    return levels[min(max(int(loudness * len(levels)), 0), len(levels) - 1)]


def _named(character: str) -> str:
    return "␣" if character == SPACE else character
