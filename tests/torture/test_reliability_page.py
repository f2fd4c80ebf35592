"""docs/reliability.md names tests that are there, one in each row."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
NODE = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)(?:\[([\w.]+)\])?`")
ROWS = [
    line
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| fault ")
]


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].strip()[:40] for row in ROWS])
def test_each_fault_has_a_test_that_is_there(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 4 and all(cells)
    found = NODE.fullmatch(cells[3])
    assert found, cells[3]
    path, name, parameter = found.groups()
    source = (ROOT / path).read_text(encoding="utf-8")
    functions = {
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in functions
    if parameter:
        kind = parameter.split(".")[0]
        assert f'"{kind.lower()}", {kind}' in source
