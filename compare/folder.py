"""What a comparison leaves behind."""

from __future__ import annotations

from pathlib import Path

from compare.page import page
from compare.results import Results, to_json
from compare.summary import summary
from compare.table import columns, markdown, measures

PAGE, TABLE, RESULTS = "comparison.html", "table.md", "results.json"


def write(folder: Path, results: Results) -> None:
    """Into a folder that is there."""
    files = {
        PAGE: page(results),
        TABLE: "\n".join(
            (f"{summary(results)}\n", markdown(columns(results)), markdown(measures(results)))
        ),
        RESULTS: to_json(results),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
