"""Untrained runs and what is exported from them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import torch

from export.package import packed
from export.run_source import source_of
from export.source import Source
from export.step_graph import build
from export.verify import Reference, reference_of
from models import runs
from models.cores import Cell
from models.networks import Architecture, SequenceNetwork
from models.tasks.sine.task import Sine


def save_run(folder: Path, architecture: Architecture) -> Path:
    torch.manual_seed(4)
    network = SequenceNetwork(architecture)
    network.normalise(torch.randn(50, 20, 1) * 2 + 1, torch.randn(50, 20, 1) * 3 - 1)
    task = Sine()
    config = runs.Config(
        "sine", {}, task.inputs, task.outputs, architecture, task.recipe, 4, torch.__version__
    )
    sample = task.sample(runs.SAMPLE_ROWS, runs.SAMPLE_STEPS)
    runs.save(folder, runs.Run(config, network, sample, {"network": {"error": 1.0}}))
    return folder


@cache
def made(
    cell: Cell, layers: int = 1, input_layer: int = 0
) -> tuple[Source, onnx.ModelProto, Reference]:
    """A source, its graph and its reference; the graph is shared, so change only a copy."""
    with TemporaryDirectory() as folder:
        run = save_run(Path(folder) / "run", Architecture(1, 1, cell, 8, layers, input_layer))
        source = source_of(run)
    return source, build(source.step, source.manifest), reference_of(source)


def model_of(cell: Cell, layers: int = 1, input_layer: int = 0) -> bytes:
    source, graph, reference = made(cell, layers, input_layer)
    return packed(graph, source.manifest, reference)
