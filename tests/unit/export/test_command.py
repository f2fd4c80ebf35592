"""`stepwire export` from the shell's side."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import save_file

from export.command import export
from models.networks import Architecture
from service.repository.manifest import decode
from service.runtime.graph import Graph
from tests.unit.export.made import save_run
from tests.unit.export.user import User

GRU = Architecture(1, 1, "gru", 6)


def ran(run: Path, repository: Path, *arguments: str) -> Result:
    return CliRunner().invoke(export, [str(run), "--to", str(repository), *arguments])


def test_it_prints_what_was_proven_and_what_comes_next(tmp_path: Path) -> None:
    run, repository = save_run(tmp_path / "my-run", GRU), tmp_path / "repository"
    result = ran(run, repository)
    assert result.exit_code == 0, result.output
    path = repository / "my-run" / "1" / "model.onnx"
    assert path.exists()
    assert "torch over 256 steps = stepped: largest difference " in result.stdout
    assert "alone = in a batch of 8: largest difference 0\n" in result.stdout
    assert f"{path}: " in result.stdout
    assert f"stepwire serve --repository {repository}" in result.stdout
    assert result.stderr == ""


def test_name_and_version_can_be_given(tmp_path: Path) -> None:
    run, repository = save_run(tmp_path / "run", GRU), tmp_path / "repository"
    assert ran(run, repository, "--name", "robot", "--version", "7").exit_code == 0
    again = ran(run, repository, "--name", "robot", "--version", "7")
    assert again.exit_code == 2
    assert "take another --version, or --force" in again.stderr
    assert (repository / "robot" / "7" / "model.onnx").exists()


def refused(result: Result) -> str:
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert result.stdout == ""
    return line


def test_a_bidirectional_network_is_refused_with_the_reason(tmp_path: Path) -> None:
    run = save_run(tmp_path / "run", Architecture(1, 1, "gru", 6, bidirectional=True))
    line = refused(ran(run, tmp_path / "repository"))
    assert "a bidirectional network cannot be streamed" in line
    assert "a live stream does not have yet" in line
    assert not (tmp_path / "repository").exists()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    assert "config.json" in refused(ran(tmp_path, tmp_path / "repository"))


@pytest.mark.parametrize("option", ["--weights", "--input", "--sample"])
def test_what_a_run_folder_says_by_itself_is_not_taken(tmp_path: Path, option: str) -> None:
    line = refused(ran(tmp_path, tmp_path / "repository", option, "x"))
    assert line == (
        f"error: {option} is for a module of your own: {tmp_path} is a run folder, "
        "which has its own"
    )


def test_a_target_that_is_neither_folder_nor_module_is_refused(tmp_path: Path) -> None:
    line = refused(ran(tmp_path / "absent", tmp_path / "repository"))
    assert line == (
        f"error: there is no folder {tmp_path / 'absent'}; a module is written "
        "package.module:attribute"
    )


def test_a_module_keeps_its_weights_if_none_are_given(user: User) -> None:
    user.write("")
    result = user.export("Base")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("no --weights: the module keeps its own\ntorch over 256 steps")
    assert result.stderr == ""
    assert (user.home / "repository" / "base" / "1" / "model.onnx").exists()


def test_a_module_is_proven_on_a_recording(user: User) -> None:
    user.write("")
    np.save(user.home / "recorded.npy", np.random.default_rng(3).normal(size=(2, 70, 3)))
    arguments = ("--sample", "recorded.npy", "--name", "recorded")
    result = user.export("Base", *arguments)
    assert result.exit_code == 0, result.output
    assert "torch over 70 steps = stepped: largest difference " in result.stdout
    path = user.home / "repository" / "recorded" / "1" / "model.onnx"
    _, golden = decode(Graph(path).metadata)
    recorded = np.load(user.home / "recorded.npy").astype(np.float32)
    np.testing.assert_array_equal(golden.inputs[0], recorded[0, : golden.steps])


def test_weights_that_do_not_fit_a_module_are_refused(user: User) -> None:
    user.write("")
    save_file({"head.bias": torch.zeros(2)}, user.home / "w.safetensors")
    line = user.refused("Base", "--weights", "w.safetensors")
    assert line.startswith("w.safetensors does not fit the module: it misses gru.weight_ih_l0, ")


def test_a_repository_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    run = save_run(tmp_path / "run", GRU)
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "run").write_text("in the way")
    assert "repository/run" in refused(ran(run, tmp_path / "repository"))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    run = save_run(tmp_path / "run", GRU)
    config = json.loads((run / "config.json").read_text())
    config["architecture"]["layers"] = 2
    (run / "config.json").write_text(json.dumps(config))
    assert "weights.safetensors does not fill the network" in refused(ran(run, tmp_path / "to"))


def test_a_run_whose_signal_cannot_be_served_is_refused(tmp_path: Path) -> None:
    run = save_run(tmp_path / "run", GRU)
    config = json.loads((run / "config.json").read_text())
    config["inputs"]["name"] = 3
    (run / "config.json").write_text(json.dumps(config))
    line = refused(ran(run, tmp_path / "to"))
    assert line == (
        f"error: {run / 'config.json'}: inputs or outputs: name: Input should be a valid string"
    )


def test_an_empty_name_is_refused(tmp_path: Path) -> None:
    run = save_run(tmp_path / "run", GRU)
    assert "'' is no model name" in refused(ran(run, tmp_path / "to", "--name", ""))


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = save_run(tmp_path / "run", GRU)
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "onnx" else find_spec(name)
    )
    line = refused(ran(run, tmp_path / "repository"))
    assert line == "error: an export needs onnx: pip install 'stepwire[train]'"
