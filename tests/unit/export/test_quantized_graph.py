"""Step graphs in 8-bit integers: what they hold, what they give, and that rows are isolated."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import onnx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import helper

from export.int8.equations import unfolded
from export.int8.products import LEVELS, in_int8, quantized
from export.loss import losses
from export.quantized import in_integers
from export.verify import stepped
from service.core.model import Array
from service.repository.manifest import Manifest, Tensor
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Batching, Stepper
from tests.graphs import golden_run
from tests.unit.export.quantizable import HIDDEN, INPUTS, KINDS, described, graph, stack

PRODUCTS = {"gru resetting before": 3}
"""Of a layer; of the other kinds 2."""


@cache
def int8(kind: str, layers: int) -> onnx.ModelProto:
    return in_integers(stack(kind, layers), smallest=1).model


def operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def streamed(model: onnx.ModelProto, manifest: Manifest, inputs: Array) -> Array:
    """Outputs of sequences [N, T, F]: [N, T, O]."""
    signature = manifest.signature()
    stepper = Stepper(Graph(model.SerializeToString()).step_function(signature), signature)
    [outputs] = stepped(stepper, [inputs], range(len(inputs)))
    return outputs


def normal(rows: int, steps: int) -> Array:
    return np.random.default_rng(2).normal(size=(rows, steps, INPUTS)).astype(np.float32)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_an_operator_is_its_equations(kind: str, layers: int) -> None:
    model, manifest = stack(kind, layers), described(kind, layers)
    equations = unfolded(model, smallest=1)
    onnx.checker.check_model(equations, full_check=True)
    assert KINDS[kind].operator not in operators(equations)
    inputs = normal(3, 40)
    exact = streamed(model, manifest, inputs)
    np.testing.assert_allclose(streamed(equations, manifest, inputs), exact, atol=2e-5)


def test_equations_without_biases_are_the_operator_too() -> None:
    for kind in KINDS:
        model, inputs = stack(kind, bias=False), normal(2, 20)
        exact = streamed(model, described(kind), inputs)
        found = streamed(unfolded(model, smallest=1), described(kind), inputs)
        np.testing.assert_allclose(found, exact, atol=2e-5)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_every_product_is_one_of_integers(kind: str, layers: int) -> None:
    model = int8(kind, layers)
    onnx.checker.check_model(model, full_check=True)
    held = operators(model)
    assert held["MatMulInteger"] == layers * PRODUCTS.get(kind, 2) + 1
    assert not held.keys() & {"MatMul", "Gemm", "GRU", "LSTM", "RNN"}
    large = [w for w in model.graph.initializer if np.prod(w.dims) > 4 * HIDDEN]
    assert {weight.data_type for weight in large} == {onnx.TensorProto.INT8}


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_it_stays_near_the_graph_of_floats_over_a_long_stream(kind: str, layers: int) -> None:
    manifest, inputs = described(kind, layers), normal(1, 1000)
    exact = streamed(stack(kind, layers), manifest, inputs)
    [loss] = losses(["y"], [exact], [streamed(int8(kind, layers), manifest, inputs)])
    assert 1e-4 < loss.rms < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_service_takes_it_and_streams_share_runs(kind: str) -> None:
    model, manifest = int8(kind, 2), described(kind, 2)
    run = golden_run(model, manifest)
    stepper = proven_stepper(Graph(model.SerializeToString()), manifest.signature(), run)
    assert stepper.batching is Batching.ANY


@pytest.mark.parametrize("extreme", [0.0, 1e4, -1e30, np.inf, np.nan])
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_the_same_to_the_last_bit_beside_any_others(kind: str, extreme: float) -> None:
    signature = described(kind, 2).signature()
    function = Graph(int8(kind, 2).SerializeToString()).step_function(signature)
    random = np.random.default_rng(3)
    taken = [*signature.inputs, *(state.input for state in signature.states)]
    row = {spec.name: random.uniform(-1, 1, spec.shape).astype(np.float32) for spec in taken}
    seen = set()
    for rows in (1, 2, 7, 64):
        for place in {0, rows // 2, rows - 1}:
            feeds = {}
            for spec in taken:
                others = np.full((rows, *spec.shape), extreme, np.float32)
                others[place] = row[spec.name]
                feeds[spec.name] = np.ascontiguousarray(spec.in_place(others))
            results = function(feeds)
            given = [*signature.outputs, *(state.input for state in signature.states)]
            firsts = zip(results, given, strict=True)
            seen.add(b"".join(spec.rows_first(array)[place].tobytes() for array, spec in firsts))
    assert len(seen) == 1


UNUSUAL = {
    "several timesteps": stack("gru resetting after", steps=3),
    "clipped": stack("lstm", clip=1.0),
    "other activations": stack("rnn of tanh", activations=["Softsign"]),
    "coupled gates": stack("lstm", input_forget=1),
    "a small one": stack("lstm"),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_an_operator_that_is_out_of_the_ordinary_stays(what: str) -> None:
    model = UNUSUAL[what]
    smallest = 10**4 if what == "a small one" else 1
    assert operators(unfolded(model, smallest)) == operators(model)


def test_only_products_of_some_size_are_of_integers() -> None:
    model = in_integers(stack("lstm", 2), smallest=4 * HIDDEN * HIDDEN)
    assert operators(model.model)["MatMul"] == 1  # of the few inputs
    assert operators(model.model)["Gemm"] == 1
    assert (model.products, model.weights) == (3, 3 * 4 * HIDDEN * HIDDEN)


def test_a_tensor_that_goes_to_two_products_is_quantized_once() -> None:
    manifest = Manifest(
        inputs=(Tensor(name="x", shape=(4,)),), outputs=(Tensor(name="y", shape=(4,)),), states=()
    )
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["left"]),
        helper.make_node("Gemm", ["x", "b"], ["right"]),
        helper.make_node("Add", ["left", "right"], ["y"]),
    ]
    matrix = np.eye(4, dtype=np.float32)
    made = in_int8(graph(nodes, manifest, {"a": matrix, "b": matrix}), smallest=1)
    assert operators(made.model)["QuantizeLinear"] == 1
    inputs = np.ones((1, 2, 4), np.float32)
    np.testing.assert_allclose(streamed(made.model, manifest, inputs), 2 * inputs, rtol=1e-6)


def one_product(weights: Array) -> tuple[onnx.ModelProto, Manifest]:
    inner, outer = weights.shape
    manifest = Manifest(
        inputs=(Tensor(name="x", shape=(inner,)),),
        outputs=(Tensor(name="y", shape=(outer,)),),
        states=(),
    )
    made = graph([helper.make_node("MatMul", ["x", "w"], ["y"])], manifest, {"w": weights})
    return in_int8(made, smallest=1).model, manifest


@pytest.mark.parametrize("rows", [1, 64])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_sums_are_exact(rows: int, sign: int) -> None:
    model, manifest = one_product(np.full((512, 33), sign, np.float32))
    inputs = np.full((rows, 1, 512), 3, np.float32)
    expected = np.full((rows, 1, 33), sign * 3 * 512, np.float32)
    np.testing.assert_allclose(streamed(model, manifest, inputs), expected, rtol=1e-6)


def test_no_pair_of_products_leaves_16_bits() -> None:
    largest = 2 * LEVELS  # of a value, as uint8
    assert 2 * largest * LEVELS < 2**15
    assert largest < 2**8


def test_rows_and_columns_of_zeros_give_zeros() -> None:
    weights = np.random.default_rng(0).normal(size=(16, 8)).astype(np.float32)
    weights[:, 3] = 0
    model, manifest = one_product(weights)
    inputs = np.zeros((2, 1, 16), np.float32)
    inputs[1] = 1
    outputs = streamed(model, manifest, inputs)
    assert not outputs[0].any()
    assert outputs[1, 0, 3] == 0
    assert np.count_nonzero(outputs[1]) == 7


@given(arrays(np.float32, (6, 3), elements=st.floats(-1e3, 1e3, width=32)))
@example(np.full((6, 3), 1e-45, np.float32))
@example(np.full((6, 3), 1.4e-43, np.float32))
def test_a_quantized_weight_is_off_by_half_a_level_at_most(matrix: Array) -> None:
    levels, scales = quantized(matrix)
    assert levels.dtype == np.int8
    assert int(np.abs(levels.astype(int)).max()) <= LEVELS
    off = np.abs(levels * scales.astype(np.float64) - matrix)
    assert (off <= 0.5 * scales * (1 + 1e-4)).all()
