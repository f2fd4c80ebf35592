"""The models of the benchmark are packages like any other."""

from pathlib import Path

import numpy as np
import pytest

from bench.package import Network, write
from bench.stepper import Stepper
from service.repository.manifest import decode
from service.runtime.graph import Graph
from service.runtime.probe import probe
from service.runtime.stepper import Batching

NETWORKS = (
    Network("gru", "GRU", features=3, hidden=4),
    Network("gru-2", "GRU", features=3, hidden=8, layers=2),
    Network("lstm-2", "LSTM", features=3, hidden=8, layers=2),
)


@pytest.fixture(params=NETWORKS, ids=lambda network: network.name)
def network(request: pytest.FixtureRequest) -> Network:
    assert isinstance(request.param, Network)
    return request.param


def test_its_rows_run_together(network: Network, tmp_path: Path) -> None:
    graph = Graph(write(tmp_path, network))
    manifest, golden = decode(graph.metadata)
    signature = manifest.signature()
    assert sum(state.input.nbytes for state in signature.states) == network.state_bytes
    assert [output.nbytes for output in signature.outputs] == [network.output_bytes]
    step = graph.step_function(signature)
    assert probe(step, signature, golden.inputs, crowd=16) is not Batching.ONE


def test_it_remembers(network: Network, tmp_path: Path) -> None:
    _, golden = decode(Graph(write(tmp_path, network)).metadata)
    outputs = golden.outputs[0]
    assert np.ptp(outputs, axis=0).max() > 0.1
    stepper = Stepper(tmp_path / network.name / "1" / "model.onnx")
    stepper.take(golden.inputs[0][-1].tobytes())
    assert np.abs(stepper.step()[0] - outputs[-1]).max() > 0.01


def test_the_floor_gives_the_golden_outputs_for_every_row(network: Network, tmp_path: Path) -> None:
    model = write(tmp_path, network)
    _, golden = decode(Graph(model).metadata)
    stepper = Stepper(model)
    stepper.begin(3)
    for inputs, expected in zip(golden.inputs[0], golden.outputs[0], strict=True):
        stepper.take(np.stack([inputs] * 3).tobytes())
        for row in stepper.step():
            np.testing.assert_allclose(row, expected, atol=1e-5)
