"""`stepwire export` from the shell's side."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from export.command import export
from models.networks import Architecture
from tests.unit.export.made import save_run

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


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = save_run(tmp_path / "run", GRU)
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "onnx" else find_spec(name)
    )
    line = refused(ran(run, tmp_path / "repository"))
    assert line == "error: an export needs onnx: pip install 'stepwire[train]'"
