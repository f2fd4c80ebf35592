"""How each contestant looks in every plot: a colour for its cell, a stroke for its size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from compare.ink import SERIES
from compare.results import Entry


class Look(NamedTuple):
    colour: str
    full: bool
    """At equal hidden size: drawn through and filled; else dashed and hollow."""

    @property
    def line(self) -> dict[str, Any]:
        return {"color": self.colour, "linestyle": "-" if self.full else "--"}

    @property
    def marker(self) -> dict[str, Any]:
        return {"color": self.colour, "markerfacecolor": self.colour if self.full else "none"}


def looks(entries: Sequence[Entry]) -> list[tuple[Entry, Look]]:
    cells = list(dict.fromkeys(entry.contestant.cell for entry in entries))
    return [
        (
            entry,
            Look(
                SERIES[cells.index(entry.contestant.cell) % len(SERIES)],
                "hidden size" in entry.contestant.equal,
            ),
        )
        for entry in entries
    ]
