"""The picture of memory, of runs that have hardly been trained."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from rich.console import Console

from models import runs, tasks
from models.cores import Cell
from models.experiment import architecture_for, conduct
from models.memory_picture import paint
from models.networks import SequenceNetwork
from models.tasks.task import Recipe
from models.training import untrained

STILL = Recipe(rounds=1, batches=1, batch=2, window=None, learning_rate=1e-9)


def made(folder: Path, task: str, options: dict[str, int], cell: Cell, seed: int = 0) -> Path:
    assignment = tasks.load(task, options)
    conduct(
        assignment,
        options,
        architecture_for(assignment, cell=cell, hidden=4),
        STILL,
        seed,
        folder,
        Console(file=io.StringIO()),
        memoryless=False,
    )
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("runs")
    return [
        made(root / "rnn-0", "adding", {"length": 20}, "rnn"),
        made(root / "rnn-1", "adding", {"length": 20}, "rnn", seed=1),
        made(root / "lstm", "adding", {"length": 20}, "lstm"),
        made(root / "copying", "copying", {"delay": 16}, "gru"),
    ]


def painted(*arguments: Path | str) -> Result:
    return CliRunner().invoke(paint, [str(argument) for argument in arguments])


def test_a_picture_and_a_table_for_each_task(folders: list[Path], tmp_path: Path) -> None:
    result = painted(*folders, "--to", tmp_path / "memory.png")
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == ["memory.png"]
    assert (tmp_path / "memory.png").read_bytes().startswith(b"\x89PNG")
    adding, copying = result.stdout.strip().split("\n\n")
    heads, _, rnn, lstm, always = [line.strip("| ").split(" | ") for line in adding.splitlines()]
    assert heads[-1] == "RMSE at 30 timesteps"
    assert (rnn[:2], lstm[:2], always[0]) == (["rnn", "2"], ["lstm", "1"], "always 1")
    assert float(always[-1]) == pytest.approx(math.sqrt(1 / 6), rel=0.1)
    assert [line.split()[1] for line in copying.splitlines()[2:]] == ["gru", "guessing"]


def test_figures_are_the_mean_the_smallest_and_the_largest_of_the_seeds(
    folders: list[Path], tmp_path: Path
) -> None:
    figures = [
        runs.load(folder).scores["network"]["RMSE at 20 timesteps"] or 0 for folder in folders[:2]
    ]
    result = painted(*folders, "--to", tmp_path / "memory.png")
    expected = f"{np.mean(figures):.3g} ({min(figures):.3g} to {max(figures):.3g})"
    assert f"| {expected} |" in result.stdout


def test_a_network_as_it_was_before_training(folders: list[Path]) -> None:
    """A rate of almost nothing has left the weights where they were."""
    run = runs.load(folders[2])
    before = untrained(run.network, run.config.seed)
    assert isinstance(before, SequenceNetwork)
    for name, value in run.network.state_dict().items():
        torch.testing.assert_close(before.state_dict()[name], value, atol=1e-6, rtol=0)


def test_runs_of_another_task_are_refused(tmp_path: Path) -> None:
    sine = made(tmp_path / "sine", "sine", {}, "rnn")
    result = painted(sine, "--to", tmp_path / "memory.png")
    assert result.exit_code == 2
    assert result.stderr.endswith("sine is of sine: take runs of adding or copying\n")


def test_runs_of_another_distance_are_refused(folders: list[Path], tmp_path: Path) -> None:
    longer = made(tmp_path / "longer", "adding", {"length": 30}, "rnn")
    result = painted(folders[0], longer, "--to", tmp_path / "memory.png")
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "longer is of --length 30, a run before it of 20: take runs of the same\n"
    )


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    result = painted(tmp_path / "nowhere", "--to", tmp_path / "memory.png")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_a_picture_that_cannot_be_written_is_refused(folders: list[Path], tmp_path: Path) -> None:
    result = painted(folders[2], "--to", tmp_path / "nowhere" / "memory.png")
    assert result.exit_code == 2
    assert "error: cannot write " in result.stderr
