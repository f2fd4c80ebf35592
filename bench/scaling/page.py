"""docs/scaling.md: its tables stand between marks and are written anew from what was measured."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bench.scaling import tables
from bench.scaling.checking import Checked
from bench.scaling.constants import LARGE, SMALL, Constants
from stepwire.refused import Refused

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


def rewritten(text: str, blocks: Mapping[str, str]) -> str:
    """The page with each block between its marks. Raises Refused if one is not there once."""
    for name, block in blocks.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(marked.findall(text)) != 1:
            raise Refused(f"the page has not one place between {begin} and {end}")
        text = marked.sub(f"{begin}\n\n{block}\n\n{end}".replace("\\", r"\\"), text)
    return text


def write(blocks: Mapping[str, str], path: Path = FILE) -> None:
    beside = path.with_suffix(".tmp")
    beside.write_text(rewritten(path.read_text(encoding="utf-8"), blocks), encoding="utf-8")
    os.replace(beside, path)
