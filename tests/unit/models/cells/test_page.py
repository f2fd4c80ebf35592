"""docs/cells.md: what it shows runs, and its tables are true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from export.cell_operators import OPERATORS
from models.cells import CELLS

PAGE = (Path(__file__).parents[4] / "docs" / "cells.md").read_text()


def table(first: str) -> dict[str, list[str]]:
    """Of the page, by the heading of its first column: the other cells by the first one."""
    lines = PAGE.split(f"\n| {first} |")[1].split("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    return {name: others for name, *others in rows}


def test_the_snippets_run() -> None:
    names: dict[str, Any] = {}
    snippets = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for snippet in snippets:
        exec(snippet, names)
    assert len(snippets) == 2
    assert names["h"].shape == (50, 4, 16) and names["kept"].shape == (50,)
    names["h"].sum().backward()
    assert names["start"].grad.abs().max() > 0


def test_the_table_of_cells_has_each_with_its_states_and_gates() -> None:
    rows = table("`--cell`")
    assert rows.keys() == CELLS.keys()
    for name, (_, states, gates, _) in rows.items():
        assert tuple(states.split(", ")) == CELLS[name].states
        assert gates == ("none" if name == "elman" else ", ".join(CELLS[name].Gates._fields))


def test_the_table_of_operators_is_that_of_the_export() -> None:
    rows = table("cell")
    assert rows.keys() == CELLS.keys()
    for name, (kind, gates, reset) in rows.items():
        operator = OPERATORS[CELLS[name]](CELLS[name](2, 3))
        assert kind == operator.kind
        assert len(gates.split(", ")) == len(operator.gates)
        assert reset == str(operator.attributes.get("linear_before_reset", ""))
