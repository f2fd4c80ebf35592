"""Run folders: what is saved is what is loaded, and nothing is unpickled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import runs
from models.networks import Architecture, SequenceNetwork
from models.tasks.task import Recipe, Signal


@pytest.fixture
def run() -> runs.Run:
    architecture = Architecture(1, 1, "lstm", 6, 2, 4)
    network = SequenceNetwork(architecture)
    network.normalise(torch.randn(5, 9, 1) + 3, torch.randn(5, 9, 1))
    config = runs.Config(
        task="sine",
        options={"pitch": 440},
        inputs=Signal("value", ("V",)),
        outputs=Signal("next", ("V",)),
        architecture=architecture,
        recipe=Recipe(2, 3),
        seed=7,
        torch=torch.__version__,
    )
    sample = np.ones((runs.SAMPLE_ROWS, runs.SAMPLE_STEPS, 1), np.float32)
    return runs.Run(config, network, sample, {"network": {"error": 0.25, "time": None}})


def test_a_run_comes_back_as_it_was_saved(run: runs.Run, tmp_path: Path) -> None:
    runs.save(tmp_path / "deep" / "run", run)
    loaded = runs.load(tmp_path / "deep" / "run")
    assert loaded.config == run.config
    assert loaded.scores == run.scores
    assert np.array_equal(loaded.sample, run.sample)
    x = torch.randn(2, 20, 1)
    assert torch.equal(loaded.network(x)[0], run.network(x)[0])


def test_a_run_is_not_overwritten(run: runs.Run, tmp_path: Path) -> None:
    runs.save(tmp_path, run)
    with pytest.raises(FileExistsError, match="holds a run already"):
        runs.save(tmp_path, run)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(runs.RunUnreadable, match=r"config\.json"):
        runs.load(tmp_path)


def test_a_sample_of_another_shape_is_refused(run: runs.Run, tmp_path: Path) -> None:
    runs.save(tmp_path, replace(run, sample=run.sample[:, :9]))
    with pytest.raises(runs.RunUnreadable, match=r"inputs \[8, 9, 1\], not \[8, 256, 1\]"):
        runs.load(tmp_path)


def test_an_unknown_setting_is_named(run: runs.Run, tmp_path: Path) -> None:
    runs.save(tmp_path, run)
    _edit(tmp_path / runs.CONFIG, colour="red")
    with pytest.raises(runs.RunUnreadable, match="colour"):
        runs.load(tmp_path)


def test_weights_that_do_not_fit_are_refused(run: runs.Run, tmp_path: Path) -> None:
    runs.save(tmp_path, run)
    config = json.loads((tmp_path / runs.CONFIG).read_text())
    _edit(tmp_path / runs.CONFIG, architecture={**config["architecture"], "hidden": 7})
    with pytest.raises(runs.RunUnreadable, match="size mismatch"):
        runs.load(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cell": "abacus"},
        {"hidden": "many"},
        {"layers": -1},
        {"cell": "elman", "hidden": 0},
        {"layers": 10**12},
    ],
)
def test_an_architecture_that_cannot_be_built_is_refused(
    run: runs.Run, tmp_path: Path, wrong: dict[str, object]
) -> None:
    runs.save(tmp_path, run)
    config = json.loads((tmp_path / runs.CONFIG).read_text())
    _edit(tmp_path / runs.CONFIG, architecture={**config["architecture"], **wrong})
    with pytest.raises(runs.RunUnreadable, match="no such network"):
        runs.load(tmp_path)


@pytest.mark.parametrize("weights", [b"", b"\x80\x04K\x01."], ids=["empty", "pickle"])
def test_weights_of_another_format_are_refused(
    run: runs.Run, tmp_path: Path, weights: bytes
) -> None:
    runs.save(tmp_path, run)
    (tmp_path / runs.WEIGHTS).write_bytes(weights)
    with pytest.raises(runs.RunUnreadable, match=r"weights\.safetensors"):
        runs.load(tmp_path)


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
