"""`stepwire compare` from the shell's side; a whole comparison is in tests/e2e."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from torch import Tensor

from compare.command import compare
from models.tasks import TASKS, load
from models.tasks.sine.task import Sine


def ran(*arguments: str) -> Result:
    quick = ("--rounds", "1", "--batches", "2", "--hidden", "3", "--seeds", "2")
    return CliRunner().invoke(compare, ["sine", *quick, *arguments])


def test_every_task_can_be_compared() -> None:
    assert set(compare.commands) == set(TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_says_what_it_is_judged_by(task: str) -> None:
    assert load(task, {}).headline.better in ("lower", "higher")


@pytest.mark.parametrize("cells", ["transformer", "gru,,lstm", ""])
def test_an_unknown_cell_is_one_line(cells: str) -> None:
    result = ran("--cells", cells)
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("error: --cells: ") and "is not one of gru, lstm, rnn" in line


def test_a_task_that_cannot_be_set_is_one_line_and_makes_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(compare, ["adding", "--length", "1"])
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("error: --length 1 ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_taken_is_one_line_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("as it is")
    result = ran("--out", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path} is there already: take another --out\n"
    assert result.stdout == ""


def test_a_folder_that_cannot_be_written_is_one_line_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    result = ran("--out", str(tmp_path / "file" / "made"))
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("error: cannot write ") and line.endswith("choose another --out")
    assert result.stdout == ""


def test_the_table_is_shown_though_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path, text: str, encoding: str) -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr("compare.comparison._serve", lambda *_: {})
    monkeypatch.setattr(Path, "write_text", fails)
    result = ran("--cells", "rnn", "--out", str(tmp_path / "made"))
    assert result.exit_code == 2
    assert result.stderr == "error: the disk is full\n"
    assert "sine, held out" in result.stdout and "rnn 3" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_says_how_far_it_came_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(task: Sine, outputs: Tensor, targets: Tensor) -> Tensor:
        if len(calls) == 4:  # each training has two batches of two windows
            signal.raise_signal(signal.SIGINT)
        calls.append(len(calls))
        return learned(task, outputs, targets)

    calls: list[int] = []
    learned = Sine.loss
    monkeypatch.setattr(Sine, "loss", interrupted)
    result = ran("--window", "75", "--cells", "rnn", "--out", str(tmp_path / "made"))
    assert result.exit_code == 130
    assert result.stderr == "interrupted after 1 of 4 trainings: nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_in_the_first_second_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("compare.command.require", lambda *_, **__: signal.raise_signal(2))
    result = ran()
    assert result.exit_code == 130
    assert result.stderr == ""


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    result = ran()
    assert result.exit_code == 2
    assert result.stderr == "error: comparing needs torch: pip install 'stepwire[train]'\n"


def test_importing_it_does_not_import_torch() -> None:
    script = "import sys, compare.command; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
