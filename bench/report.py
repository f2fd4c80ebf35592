"""What a run has found, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from bench import wording
from bench.part import Results
from bench.ratios import Row

_COLUMNS = (54, 14, 14, 30, 17)
"""Characters; the last column is open."""


def heading() -> str:
    return _line("", "measured", "floor", "ratio", "asked", "verdict")


def table(title: str, results: Results) -> str:
    """Under the title a line for each row, and what explains them."""
    lines = [title]
    for (what, label), rows in groupby(results.rows, key=lambda row: (row.what, row.label)):
        lines += [f"  {what}, {label}", *map(_row, rows)]
    return "\n".join([*lines, *(f"  {note}" for note in results.notes)])


def _row(row: Row) -> str:
    return _line(
        f"    {row.quantity} over {row.against}",
        wording.measured(row),
        wording.floor(row),
        wording.ratio(row),
        wording.goal(row),
        wording.verdict(row),
    )


def _line(first: str, *cells: str) -> str:
    *columns, last = cells
    padded = [f"{cell:>{width}}" for cell, width in zip(columns, _COLUMNS[1:], strict=True)]
    return f"{first:<{_COLUMNS[0]}}{''.join(padded)}  {last}".rstrip()


def write_json(results: Iterable[Results], path: Path) -> None:
    """A list of what, against, ratio, min, max, unit_cost_us."""
    entries = [_entry(row) for part in results for row in part.rows]
    path.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def _entry(row: Row) -> dict[str, str | float | None]:
    return {
        "what": f"{row.what}, {row.label}: {row.quantity}",
        "against": row.against,
        "ratio": row.ratio,
        "min": min(row.ratios),
        "max": max(row.ratios),
        "unit_cost_us": row.unit_cost_us,
    }
