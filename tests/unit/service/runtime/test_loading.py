from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, helper

from service.core.errors import ModelRefused
from service.core.model import Signature, TensorSpec
from service.repository.description import describe
from service.runtime import loading
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Batching, Stepper
from service.runtime.trial import random_inputs
from tests import foreign, graphs, handmade
from tests.devices import Distant, Padding
from tests.handmade import FLOAT
from tests.lossy import ILLEGAL
from tests.pages import ROOT

VECTOR: handmade.Shape = ["batch", 2]


def loaded(made: ModelProto, toml: str, folder: Path) -> Stepper:
    """As the service loads it."""
    path = folder / "model.toml"
    path.write_text(toml)
    graph = Graph(made.SerializeToString())
    found = describe(graph.facts, path)
    return proven_stepper(graph, found.signature, found.golden, found.constants)


def memoryless(operator: str) -> ModelProto:
    node = helper.make_node(operator, ["x"], ["y"])
    return handmade.model([node], {"x": (FLOAT, VECTOR)}, {"y": (FLOAT, VECTOR)})


@pytest.mark.parametrize("name", foreign.GRAPHS)
def test_it_steps_as_its_equations_do(name: str, tmp_path: Path) -> None:
    made = foreign.GRAPHS[name]()
    stepper = loaded(made.model, made.toml, tmp_path)
    inputs = made.stream()
    stepper.reserve(1)
    stepper.start(0)
    for step, expected in enumerate(made.expected(inputs)):
        (output,) = stepper.step(
            np.zeros(1, np.int64),
            [inputs[spec.name][step].tobytes() for spec in stepper.signature.inputs],
        ).outputs
        (values,) = expected.values()
        assert np.allclose(output[0], values, rtol=1e-5, atol=1e-5)


class Fixed(Distant):
    """Its runs have four rows."""

    def padded(self, rows: int) -> int:
        return -(-rows // 4) * 4


def test_a_graph_of_one_row_is_padded_on_no_device() -> None:
    manifest = graphs.ACCUMULATOR.model_copy(update={"fixed_batch": True})
    model = graphs.graph(list(graphs.accumulator().graph.node), manifest)
    graph = Graph(model.SerializeToString(), device=Fixed())
    stepper = proven_stepper(graph, manifest.signature(), None, max_batch=4)
    stepper.reserve(3)
    for slot in range(3):
        stepper.start(slot)
    for total in (1, 2):
        result = stepper.step(slice(0, 3), [np.ones(3, np.float32).tobytes()])
        assert result.outputs[0].tolist() == [[total]] * 3


def test_random_inputs_are_the_same_each_time_and_within_their_kind() -> None:
    signature = Signature(
        (
            TensorSpec("x", np.dtype("<f4"), (2,)),
            TensorSpec("letter", np.dtype("<i8"), (), symbols=("a", "b", "c")),
            TensorSpec("gate", np.dtype("?"), (1,)),
        ),
        (),
        (),
    )
    first, again = random_inputs(signature), random_inputs(signature)
    assert [a.tobytes() for a in first] == [a.tobytes() for a in again]
    assert [(a.dtype, a.shape) for a in first] == [
        (spec.dtype, (32, *spec.shape)) for spec in signature.inputs
    ]
    assert set(first[1].tolist()) == {0, 1, 2}


def test_results_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="random inputs, at step 0, its result is not finite"):
        loaded(memoryless("Sqrt"), "memoryless = true", tmp_path)


def test_a_golden_run_proves_what_random_inputs_cannot(tmp_path: Path) -> None:
    made = memoryless("Sqrt")
    x = np.random.default_rng(0).uniform(1, 2, (32, 2)).astype(np.float32)
    toml = f"memoryless = true\ngolden.inputs.x = {x.tolist()}\ngolden.outputs.y = "
    assert loaded(made, f"{toml}{np.sqrt(x).tolist()}", tmp_path).batching is Batching.ANY
    with pytest.raises(ModelRefused, match="its golden run is off by 1 in 'y' at step 0"):
        loaded(made, f"{toml}{(np.sqrt(x) + 1).tolist()}", tmp_path)


def test_results_that_differ_from_run_to_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="'y' differs from run to run"):
        loaded(memoryless("RandomNormalLike"), "memoryless = true", tmp_path)


def test_a_graph_that_does_not_run_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        ModelRefused, match="it does not run with random inputs, for want of a golden run: "
    ) as refused:
        loaded(foreign.lookup(first=9).model, "", tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "broken", ["graph.Graph.bound", "bound.BoundGraph.warm_up", "loading.run_cost"]
)
def test_a_device_that_fails_at_any_moment_refuses_the_model(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(ILLEGAL)

    monkeypatch.setattr(f"service.runtime.{broken}", fail)
    with pytest.raises(ModelRefused, match="cannot be made ready on cpu: CUDA failure 700"):
        loaded(memoryless("Abs"), "memoryless = true", tmp_path)


def test_want_of_memory_is_left_to_who_knows_how_much_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError("8 bytes")

    monkeypatch.setattr(loading, "probe", fail)
    with pytest.raises(MemoryError):
        loaded(memoryless("Abs"), "memoryless = true", tmp_path)


def test_results_of_another_shape_than_the_graph_declares_are_refused(tmp_path: Path) -> None:
    made = handmade.model(
        [
            helper.make_node("Add", ["h", "x"], ["total"]),
            helper.make_node("ReduceSum", ["total", "axes"], ["h_next"], keepdims=1),
            helper.make_node("Identity", ["x"], ["y"]),
        ],
        {"x": (FLOAT, VECTOR), "h": (FLOAT, VECTOR), "axes": (handmade.INT64, ["axes"])},
        {"y": (FLOAT, VECTOR), "h_next": (FLOAT, ["batch", None])},
    )
    with pytest.raises(ModelRefused, match=r"'h_next' has shape \[1, 1\] .* \[1, 2\]"):
        loaded(made, "constants.axes = [1]", tmp_path)


def test_what_lies_in_memory_is_no_symbol_when_a_device_is_made_ready() -> None:
    graph = Graph(ROOT / "model_repository/copying-gru/1/model.onnx", device=Padding())
    found = describe(graph.facts, None)
    proven = proven_stepper(graph, found.signature, found.golden, max_batch=100)
    assert proven.batching is not Batching.ONE
