"""`stepwire train` from the shell's side."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest
import torch
from click.testing import CliRunner, Result

from models import runs
from models.command import CELLS, train
from models.cores import Cell
from models.tasks import TASKS
from models.tasks.sine.task import Sine

QUICK = ["sine", "--rounds", "1", "--batches", "4", "--hidden", "6", "--name", "quick"]


def ran(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(train, [*QUICK, "--out", str(folder), *arguments])


def test_a_training_leaves_a_run_and_says_what_comes_next(tmp_path: Path) -> None:
    result = ran(tmp_path, "--cell", "lstm", "--layers", "2", "--input-layer", "3", "--seed", "5")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "quick"
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "weights.safetensors",
        "sample.safetensors",
        "score.json",
        "plot.png",
    }
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    run = runs.load(folder)
    architecture = run.config.architecture
    assert (architecture.cell, architecture.hidden, architecture.layers) == ("lstm", 6, 2)
    assert architecture.input_layer == 3
    assert run.config.seed == 5
    assert list(run.scores) == ["network", "memoryless", "last value", "zero"]
    shown = [*run.scores, *run.scores["network"], "loss", f"stepwire export {folder}"]
    assert [text for text in shown if text not in result.output] == []


@pytest.mark.parametrize("name", ["../escaped", "/tmp/there", "a/b", "..", ".", "two\nlines", ""])
def test_a_name_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    result = ran(tmp_path / "runs", "--name", name)
    assert result.exit_code == 2
    assert result.stderr == f"error: --name {name!r} names no folder: " + (
        "leave out slashes and line breaks\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_memoryless_rival_can_be_left_out(tmp_path: Path) -> None:
    assert ran(tmp_path, "--no-memoryless").exit_code == 0
    assert "memoryless" not in runs.load(tmp_path / "quick").scores


def test_a_run_that_is_there_is_one_line(tmp_path: Path) -> None:
    assert ran(tmp_path, "--no-memoryless").exit_code == 0
    result = ran(tmp_path, "--no-memoryless")
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line == f"error: {tmp_path / 'quick'} holds a run already: take another --name"
    assert result.stdout == ""  # it is said before the training, not after


def test_a_folder_that_cannot_be_written_is_one_line_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    result = ran(tmp_path / "file" / "deep")
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith(f"error: cannot write {tmp_path / 'file' / 'deep' / 'quick'} (")
    assert line.endswith("): choose another --out")
    assert result.stdout == ""


def test_a_plot_that_fails_leaves_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(task: Sine, network: object, axes: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Sine, "draw", fails)
    result = ran(tmp_path, "--no-memoryless")
    assert result.exit_code == 2
    assert result.stderr == "error: the disk is full\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(Sine, "loss", lambda *_: signal.raise_signal(number))
    result = ran(tmp_path)
    assert result.exit_code == 130
    assert result.stderr == "interrupted: nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_diverges_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sine, "loss", lambda task, outputs, targets: outputs.sum() * torch.inf)
    result = ran(tmp_path)
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("error: the loss became ")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_choice_names_the_right_ones(tmp_path: Path) -> None:
    result = ran(tmp_path, "--cell", "transformer")
    assert result.exit_code == 2
    assert "'gru', 'lstm', 'rnn', 'elman'" in result.stderr


def test_a_task_that_needs_steps_refuses_a_bidirectional_network_at_once(tmp_path: Path) -> None:
    result = ran(tmp_path, "--bidirectional")
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("error: a bidirectional network cannot be streamed: ")
    assert result.stdout == "" and not (tmp_path / "quick").exists()


def test_an_equation_has_no_backward_half(tmp_path: Path) -> None:
    result = ran(tmp_path, "--cell", "elman", "--bidirectional")
    assert result.exit_code == 2
    assert result.stderr == "error: only gru, lstm, rnn have a bidirectional form, not elman\n"


def test_every_cell_can_be_chosen() -> None:
    assert get_args(Cell) == CELLS


def test_a_network_of_equations_learns(tmp_path: Path) -> None:
    assert ran(tmp_path, "--cell", "gru-update-writes", "--no-memoryless").exit_code == 0
    assert runs.load(tmp_path / "quick").config.architecture.cell == "gru-update-writes"


def test_an_initial_state_can_be_learned(tmp_path: Path) -> None:
    assert ran(tmp_path, "--learned-initial", "--no-memoryless").exit_code == 0
    [start] = runs.load(tmp_path / "quick").network.initial
    assert start.abs().max() > 0


def test_every_task_is_a_command_with_its_summary() -> None:
    result = CliRunner().invoke(train, ["--help"])
    for name, entry in TASKS.items():
        assert re.search(rf"^  {name} +{re.escape(entry.summary[:20])}", result.output, re.M)


def test_a_missing_extra_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    result = ran(tmp_path)
    assert result.exit_code == 2
    assert result.stderr == "error: training needs torch: pip install 'stepwire[train]'\n"


@pytest.mark.parametrize("module", ["models.command", "models.tasks.pendulum.world"])
def test_importing_it_does_not_import_torch(module: str) -> None:
    script = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_a_task_of_whole_sequences_has_no_window(tmp_path: Path) -> None:
    result = CliRunner().invoke(train, ["morse", "--window", "20", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr == "error: morse trains on whole sequences: leave --window out\n"
