"""What a run costs, by how many streams share it."""

from __future__ import annotations

from typing import NamedTuple


class RunCost(NamedTuple):
    """Seconds, as measured when the model was loaded."""

    lone: float
    """Of a run with one row."""
    row: float
    """Of each further row."""
    processors: float = 1.0
    """At work in a run, on average: where several threads share it, more than one."""

    def seconds(self, rows: int) -> float:
        return self.lone + self.row * max(0, rows - 1)


FREE = RunCost(0.0, 0.0)
