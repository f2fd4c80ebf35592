"""docs/scaling.md: its tables stand between marks and are written anew from what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bench import marked
from bench.scaling import tables
from bench.scaling.checking import Checked
from bench.scaling.constants import LARGE, SMALL, Constants

FILE = Path(__file__).parents[2] / "docs" / "scaling.md"

SUMS: Mapping[str, Callable[[Constants], str]] = {
    "costs": tables.costs,
    "loads": tables.loads,
    "shares": tables.shares,
    "cores": partial(tables.cores, model=SMALL),
    "cores-large": partial(tables.cores, model=LARGE),
    "redis": partial(tables.redis, model=SMALL),
    "limits": tables.limits,
}
"""What follows from the constants alone, by the names of the marks."""


def sums(constants: Constants) -> dict[str, str]:
    return {name: table(constants) for name, table in SUMS.items()}


def blocks(constants: Constants, checked: Checked) -> dict[str, str]:
    """All of them."""
    return {
        "constants": tables.constants(constants),
        **sums(constants),
        "check": tables.checks(constants, checked),
    }


def write(blocks: Mapping[str, str]) -> None:
    marked.write(blocks, FILE)
