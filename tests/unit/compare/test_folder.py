"""What a comparison leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from compare import folder
from compare.folder import require_free, write
from tests.unit.compare.made import results


def test_the_folder_holds_page_table_and_results(tmp_path: Path) -> None:
    target = tmp_path / "comparisons" / "made"
    require_free(target)
    write(target, results())
    assert {path.name for path in target.iterdir()} == {
        "comparison.html",
        "table.md",
        "results.json",
    }
    assert target.stat().st_mode & 0o777 == 0o755
    text = (target / "table.md").read_text()
    assert text.startswith("Judged by error <x> [m]: lower is better.\n\n|  | equal |")
    assert text.count("\n\n|  | ") == 2 and "\n\n\n" not in text


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    require_free(tmp_path)
    write(tmp_path, results())
    with pytest.raises(FileExistsError, match="take another --out"):
        require_free(tmp_path)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(FileExistsError, match="file is there already"):
        require_free(tmp_path / "file")


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "RESULTS", "no/such/folder")
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "made", results())
    assert list(tmp_path.iterdir()) == []
