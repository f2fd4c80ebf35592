"""A review as it is judged: a line for each word, the score as a bar."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from demo.sentiment.reading import Moment

WIDTH = 16
"""Characters that a word has."""
BAR = 24
"""Characters of the bar to either side."""


def show(console: Console, moment: Moment) -> None:
    """Prints the word and the score behind it; a word that the network does not know is in ()."""
    word = moment.word if moment.is_known else f"({moment.word})"
    line = Text(f"{word:>{WIDTH}} ", style="" if moment.is_known else "dim")
    line.append(
        bar(moment.score, "█" if console.encoding.lower().startswith("utf") else "#"),
        style="green" if moment.score > 0.5 else "red",
    )
    line.append(f" {100 * moment.score:3.0f} %")
    console.print(line, soft_wrap=True, highlight=False)


def bar(score: float, block: str = "█") -> str:
    """From the middle, which is even odds, to the left or right; `score` in [0, 1]."""
    length = round(abs(2 * score - 1) * BAR)
    left, right = (length, 0) if score < 0.5 else (0, length)
    return f"{block * left:>{BAR}}|{block * right:<{BAR}}"
