"""The package on disk: what the file says of itself, and that it is written whole or not at all."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from export.package import export, version_folder
from export.source import ExportRefused
from models.cores import Cell
from service.repository.manifest import decode
from service.repository.packages import scan
from service.runtime.graph import Graph
from tests.unit.export.made import made

CELLS: tuple[Cell, ...] = ("gru", "lstm")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs that are there already are taken: building them is tested by itself."""
    graphs = {made(cell)[0].step: made(cell)[1] for cell in CELLS}
    monkeypatch.setattr("export.package.build", lambda step, manifest: graphs[step])


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("built")
def test_the_file_describes_itself(tmp_path: Path) -> None:
    source, _, reference = made("lstm")
    package = export(source, tmp_path / "sine" / "1")
    manifest, golden = decode(Graph(package.path).metadata)
    assert manifest == source.manifest
    assert [state.input.name for state in manifest.states] == ["h", "c"]
    assert manifest.inputs[0].features == ("value",)
    assert manifest.normalisation.mean.keys() == {"value", "next_value"}
    assert manifest.training["architecture"]["cell"] == "lstm"
    assert manifest.training["scores"] == {"network": {"error": 1.0}}
    np.testing.assert_array_equal(golden.outputs[0], reference.golden().outputs[0])


def test_the_repository_finds_it(tmp_path: Path) -> None:
    source, _, _ = made("gru")
    package = export(source, version_folder(tmp_path, "sine", None))
    [found] = scan(tmp_path)
    assert found.path == package.path
    assert found.key == ("sine", 1)
    assert package.path.stat().st_size == package.size < 1_000_000
    assert package.path.stat().st_mode & 0o777 == 0o644
    assert files(tmp_path) == [package.path]  # no external data


def test_versions_count_up(tmp_path: Path) -> None:
    assert version_folder(tmp_path, "a", None) == tmp_path / "a" / "1"
    for name in ("2", "10", "notes"):
        (tmp_path / "a" / name).mkdir(parents=True)
    assert version_folder(tmp_path, "a", None) == tmp_path / "a" / "11"
    assert version_folder(tmp_path, "a", 4) == tmp_path / "a" / "4"


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a b", "x" * 129])
def test_a_name_that_could_not_be_served_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportRefused, match="is no model name"):
        version_folder(tmp_path, name, None)


@pytest.mark.usefixtures("built")
def test_a_version_is_overwritten_only_by_force(tmp_path: Path) -> None:
    source, _, _ = made("gru")
    folder = tmp_path / "sine" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"precious")
    with pytest.raises(ExportRefused, match="--force"):
        export(source, folder)
    assert (folder / "model.onnx").read_bytes() == b"precious"
    export(source, folder, force=True)
    onnx.checker.check_model(folder / "model.onnx")


def test_no_package_is_written_beside_a_declaration(tmp_path: Path) -> None:
    source, _, _ = made("gru")
    (tmp_path / "model.toml").write_text("")
    with pytest.raises(ExportRefused, match=r"model\.toml is there, which no package"):
        export(source, tmp_path, force=True)
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("function", ["build", "packed"])
@pytest.mark.parametrize("error", [ValueError("over 2 GiB"), SystemExit("over 2 GiB")], ids=type)
def test_whatever_a_graph_fails_with_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: BaseException
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    source, graph, _ = made("gru")
    monkeypatch.setattr("export.package.build", lambda step, manifest: graph)
    monkeypatch.setattr(f"export.package.{function}", fail)
    with pytest.raises(ExportRefused, match="torch cannot make a graph of the network: .* 2 GiB"):
        export(source, tmp_path / "sine" / "1")


def test_a_refused_export_writes_nothing(tmp_path: Path) -> None:
    source, _, _ = made("gru")

    class Wrong(nn.Module):
        def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
            y, *states = source.step(*tensors)
            return y + 0.01, *states

    with pytest.raises(ExportRefused, match="off by 0.01"):
        export(replace(source, step=Wrong()), tmp_path / "sine" / "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("built")
def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _, _ = made("gru")
    folder = tmp_path / "sine" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        export(source, folder, force=True)
    assert files(tmp_path) == [folder / "model.onnx"]
    assert (folder / "model.onnx").read_bytes() == b"old"
