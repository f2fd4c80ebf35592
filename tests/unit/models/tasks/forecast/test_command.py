"""`stepwire sales`: a file that is whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from models.tasks.forecast import shop
from models.tasks.forecast.command import sales
from models.tasks.forecast.source import table_of
from models.tasks.forecast.table import read


def ran(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(sales, [str(path), *arguments])


def test_what_is_written_is_what_the_task_reads_without_a_file(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    result = ran(path)
    assert (result.exit_code, result.output) == (0, f"{path}: 1827 days from 2020-01-01\n")
    written, made = read(path), table_of(None)
    assert (written.header, written.rows) == (made.header, made.rows)


def test_days_and_seed_are_chosen(tmp_path: Path) -> None:
    for name, seed in (("one", "1"), ("again", "1"), ("two", "2")):
        assert ran(tmp_path / name, "--days", "40", "--seed", seed).exit_code == 0
    one, again, two = ((tmp_path / name).read_text() for name in ("one", "again", "two"))
    assert one == again != two
    assert len(one.splitlines()) == 41


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("mine")
    result = ran(path)
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {path} is there already: take another name, or --force to overwrite it\n"
    )
    assert path.read_text() == "mine"
    assert ran(path, "--force", "--days", "3").exit_code == 0
    assert path.read_text().startswith(",".join(shop.HEADER))


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = ran(tmp_path / "none" / "sales.csv")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: cannot write ") and len(result.stderr.split("\n")) == 2


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_paths: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "sales.csv"
    path.write_text("mine")
    monkeypatch.setattr(os, "replace", full)
    result = ran(path, "--force")
    assert result.exit_code == 2
    assert result.stderr == f"error: cannot write {path}: No space left on device\n"
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"sales.csv": "mine"}
