"""What a comparison leaves behind."""

from __future__ import annotations

from pathlib import Path

from compare.folder import write
from tests.unit.compare.made import results


def test_the_folder_holds_page_table_and_results(tmp_path: Path) -> None:
    write(tmp_path, results())
    assert {path.name for path in tmp_path.iterdir()} == {
        "comparison.html",
        "table.md",
        "results.json",
    }
    text = (tmp_path / "table.md").read_text()
    assert text.startswith("Judged by error <x> [m]: lower is better.\n\n|  | equal |")
    assert text.count("\n\n|  | ") == 2 and "\n\n\n" not in text
