"""Trained runs of every kind: what the package declares, and that it is the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from export.package import export
from export.run_source import source_of
from export.source import ExportRefused
from models import runs
from models.cells import CELLS
from models.cores import Cell
from models.networks import Architecture, SequenceNetwork
from models.tasks.task import Recipe, Signal
from service.repository.manifest import Manifest, decode
from service.runtime.graph import Graph

LETTERS = ("a", "b", "c", "<other>")
VALUE = Signal("value", ("V", "A"))
NEXT = Signal("next", ("V", "A"))
LETTER = Signal("letter", ("letter",), symbols=LETTERS)


def run_of(folder: Path, architecture: Architecture, inputs: Signal, outputs: Signal) -> Path:
    torch.manual_seed(1)
    network = SequenceNetwork(architecture)
    for start in network.initial:
        torch.nn.init.normal_(start)
    shape = (runs.SAMPLE_ROWS, runs.SAMPLE_STEPS, architecture.features)
    random = np.random.default_rng(2)
    sample = (
        random.integers(architecture.symbols, size=shape)
        if architecture.symbols
        else random.normal(size=shape).astype(np.float32)
    )
    config = runs.Config(
        "task", {"length": 5}, inputs, outputs, architecture, Recipe(1, 1), 1, torch.__version__
    )
    runs.save(folder, runs.Run(config, network, sample, {"network": {"error": 1.0}}))
    return folder


def exported(folder: Path, architecture: Architecture, inputs: Signal, outputs: Signal) -> Manifest:
    """Proven by the export itself: 256 steps against torch, over the run's own sample."""
    run = run_of(folder / "run", architecture, inputs, outputs)
    package = export(source_of(run), folder / "repository" / "1")
    manifest, golden = decode(Graph(package.path).metadata)
    assert golden.inputs[0].dtype.name == ("int64" if architecture.symbols else "float32")
    return manifest


@pytest.mark.parametrize("embedding", [0, 3])
def test_symbols_go_in_and_log_probabilities_of_named_symbols_come_out(
    tmp_path: Path, embedding: int
) -> None:
    architecture = Architecture(
        1, 4, hidden=6, symbols=4, input_layer=embedding, kind="log_probabilities"
    )
    outputs = Signal("next", LETTERS, kind="log_probabilities")
    manifest = exported(tmp_path, architecture, LETTER, outputs)
    [given], [answer] = manifest.inputs, manifest.outputs
    assert (given.dtype, given.shape, given.symbols) == ("int64", (1,), LETTERS)
    assert answer.features == LETTERS and answer.symbols == ()
    assert manifest.normalisation.mean == {} == manifest.normalisation.std
    assert manifest.training["options"] == {"length": 5}


def test_a_probability_has_no_normalisation(tmp_path: Path) -> None:
    architecture = Architecture(2, 1, hidden=6, kind="probabilities")
    manifest = exported(tmp_path, architecture, VALUE, Signal("good", ("p",), kind="probabilities"))
    assert set(manifest.normalisation.mean) == {"value"}


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_learned_initial_state_is_the_packages(tmp_path: Path, cell: Cell) -> None:
    architecture = replace(Architecture(2, 2, hidden=6, layers=2, learned_initial=True), cell=cell)
    manifest = exported(tmp_path, architecture, VALUE, NEXT)
    network = runs.load(tmp_path / "run").network
    for state, learned in zip(manifest.signature().states, network.initial, strict=True):
        assert np.array_equal(state.initial, learned.detach()[:, 0].numpy())
        assert np.abs(state.initial).max() > 0


@pytest.mark.parametrize("cell", CELLS)
def test_equations_are_streamed_as_fused_operators(tmp_path: Path, cell: Cell) -> None:
    architecture = replace(Architecture(2, 2, hidden=6, layers=2), cell=cell)
    run = run_of(tmp_path / "run", architecture, VALUE, NEXT)
    source = source_of(run)
    [(operator, count)] = source.fused.items()
    assert count == 2 and ("reset=0" in operator) == (
        cell in ("gru-reset-before", "gru-update-writes")
    )
    assert export(source, tmp_path / "1").differences.from_torch < 1e-5


def test_a_bidirectional_run_is_refused_with_the_reason(tmp_path: Path) -> None:
    both = Architecture(2, 2, hidden=6, bidirectional=True)
    with pytest.raises(ExportRefused, match="its backward half starts at the last timestep"):
        source_of(run_of(tmp_path, both, VALUE, NEXT))
