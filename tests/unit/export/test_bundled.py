"""The bundled models, as they lie in the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models.tasks.pendulum import task as pendulum
from models.tasks.pendulum.play import Controller
from models.tasks.sine import wave as sine
from service.core.model import Array
from service.repository.manifest import decode
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Stepper

REPOSITORY = Path(__file__).parents[3] / "model_repository"
ASKED_FOR = {"pendulum-gru", "pendulum-lstm", "pendulum-memoryless", "sine-gru"}
PATHS = sorted(REPOSITORY.glob("*/*/model.onnx"))

Floats = npt.NDArray[np.float64]


def stepper_of(name: str) -> Stepper:
    graph = Graph(REPOSITORY / name / "1" / "model.onnx")
    manifest, golden = decode(graph.metadata)
    return proven_stepper(graph, manifest.signature(), golden)


def controller_of(name: str, rows: int) -> Controller:
    stepper, slots = stepper_of(name), np.arange(rows)
    stepper.reserve(rows)
    for slot in range(rows):
        stepper.start(slot)

    def control(readings: Array, angles: Floats, velocities: Floats) -> Floats:
        [torque] = stepper.step(slots, [readings.tobytes()]).outputs
        return torque[:, 0].astype(np.float64)

    return control


def test_what_was_asked_for_is_there() -> None:
    assert {path.parent.parent.name for path in PATHS} >= ASKED_FOR


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.parent.parent.name)
def test_it_says_what_it_is_and_passes_its_golden_run(path: Path) -> None:
    assert path.stat().st_size < 1_000_000
    graph = Graph(path)
    manifest, golden = decode(graph.metadata)
    assert golden.steps >= 32
    proven_stepper(graph, manifest.signature(), golden)
    assert manifest.training["scores"]["network"]
    assert all(tensor.features for tensor in (*manifest.inputs, *manifest.outputs))
    cell = manifest.training["architecture"]["cell"]
    assert len(manifest.states) == {"gru": 1, "lstm": 2, "rnn": 1, "none": 0}[cell]


@pytest.mark.parametrize("name", ["pendulum-gru", "pendulum-lstm"])
def test_it_balances_the_pendulum(name: str) -> None:
    score = pendulum.score(controller_of(name, 64), starts=64)
    assert score["stands from hanging down [%]"] == 100
    stands = score["stands [% of starts]"]
    assert stands is not None
    assert stands >= 98


def test_without_memory_it_falls() -> None:
    score = pendulum.score(controller_of("pendulum-memoryless", 64), starts=64)
    stands = score["stands [% of starts]"]
    assert stands is not None
    assert stands <= 5


def test_the_memoryless_network_is_of_the_same_size() -> None:
    sizes = [
        decode(Graph(REPOSITORY / name / "1" / "model.onnx").metadata)[0].training["parameters"]
        for name in ("pendulum-gru", "pendulum-memoryless")
    ]
    assert abs(sizes[0] - sizes[1]) < 0.05 * sizes[0]


def test_the_sine_goes_on_by_itself() -> None:
    rows, slots = 100, np.arange(100)
    noisy, clean = sine.sines(rows, sine.HEARD + sine.AHEAD, np.random.default_rng(9))
    stepper = stepper_of("sine-gru")
    stepper.reserve(rows)
    for slot in range(rows):
        stepper.start(slot)
    value = noisy[:, 0]
    wrong = []
    for step in range(1, sine.HEARD + sine.AHEAD):
        [output] = stepper.step(slots, [value.tobytes()]).outputs
        value = noisy[:, step] if step < sine.HEARD else output.copy()
        if step >= sine.HEARD:
            wrong.append(value - clean[:, step])
    assert np.sqrt(np.mean(np.square(wrong))) < 0.15
