"""Cells from their equations, trained as runs, exported as packages, streamed by a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
import torch

import stepwire
from export.package import export
from export.run_source import source_of
from models import runs
from models.cells import CELLS
from models.cores import Cell
from models.networks import Architecture, SequenceNetwork
from models.tasks.sine.task import Sine
from tests.networks import whole
from torture.processes import Server, running

STEPS = 256
LAYERS, HIDDEN = 2, 24


def run_of(cell: str) -> runs.Run:
    """Untrained, its initial state not zeros."""
    torch.manual_seed(0)
    architecture = Architecture(1, 1, cast(Cell, cell), HIDDEN, LAYERS, learned_initial=True)
    network = SequenceNetwork(architecture).eval()
    for start in network.initial:
        torch.nn.init.normal_(start)
    task = Sine()
    config = runs.Config(
        "sine", {}, task.inputs, task.outputs, architecture, task.recipe, 0, torch.__version__
    )
    sample = task.sample(runs.SAMPLE_ROWS, runs.SAMPLE_STEPS)
    return runs.Run(config, network, sample, {"network": {"error": 1.0}})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("equations")
    for cell in CELLS:
        runs.save(root / "runs" / cell, run_of(cell))
        export(source_of(root / "runs" / cell), root / "repository" / cell / "1")
    with running(root / "repository", log=root / "log") as started:
        yield started


@pytest.mark.parametrize("cell", CELLS)
async def test_streamed_equals_the_whole_sequence_of_the_equations(
    server: Server, cell: str
) -> None:
    inputs = Sine().sample(1, STEPS)
    expected = whole(run_of(cell).network, inputs)[0]
    async with stepwire.connect(server.address) as client:
        async with client.stream(cell) as stream:
            outputs = np.stack([np.asarray(await stream.step(x)) for x in inputs[0]])
    assert np.abs(outputs - expected).max() < 1e-5


def test_the_learned_state_is_told_from_zeros() -> None:
    """So that the streams above would differ at once if they started from zeros."""
    inputs = Sine().sample(1, 1)
    for cell in CELLS:
        network = run_of(cell).network
        zeros = tuple(torch.zeros(LAYERS, 1, HIDDEN) for _ in network.initial)
        with torch.no_grad():
            from_zeros = network(torch.from_numpy(inputs), zeros)[0].numpy()
        assert np.abs(whole(network, inputs) - from_zeros).max() > 1e-3
