"""The bundled models, as they lie in the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from models import tasks
from models.cores import states_of
from models.tasks import TASKS
from models.tasks.pendulum import task as pendulum
from models.tasks.pendulum.play import Controller
from models.tasks.sine import wave as sine
from service.core.model import Array
from service.repository.manifest import decode
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Stepper

REPOSITORY = Path(__file__).parents[3] / "model_repository"
PAGE = Path(__file__).parents[3] / "docs" / "models.md"
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


def training_of(path: Path) -> dict[str, Any]:
    return decode(Graph(path).metadata)[0].training


def test_every_task_has_a_model() -> None:
    assert {training_of(path)["task"] for path in PATHS} == set(TASKS)


@pytest.mark.parametrize(
    "path",
    [path for path in PATHS if "memoryless" not in str(path)],
    ids=lambda path: path.parent.parent.name,
)
def test_it_beats_every_baseline_that_sees_no_more_than_it(path: Path) -> None:
    training = training_of(path)
    headline = tasks.load(training["task"], training["options"]).headline
    sign = 1 if headline.better == "lower" else -1
    network, *rivals = (
        sign * score[headline.measure]
        for contestant, score in training["scores"].items()
        if contestant not in headline.ceilings
    )
    assert rivals and network < min(rivals)


def test_the_page_tells_the_size_and_the_score_of_every_model() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| [^|]+ \| (\d+) \| (\d+) kB \|", PAGE.read_text(), re.M)
    told = {name: (int(parameters), int(size)) for name, parameters, size in rows}
    assert told == {
        path.parent.parent.name: (
            training_of(path)["parameters"],
            round(path.stat().st_size / 1000),
        )
        for path in PATHS
    }


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
    assert len(manifest.states) == len(states_of(cell))


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
