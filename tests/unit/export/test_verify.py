"""The proof before a model is written: every cell passes it, every wrong graph fails it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest

from export.package import packed
from export.source import ExportRefused
from export.verify import GOLDEN_STEPS, ROWS, STEPS, Reference, verify
from models.cores import Cell
from tests.unit.export.made import made, model_of


@pytest.mark.parametrize(
    ("cell", "layers", "input_layer"),
    [*itertools.product(("gru", "lstm", "rnn"), (1, 2), (0, 5)), ("none", 1, 0)],
)
def test_stepped_equals_torch_over_the_whole_sequence(
    cell: Cell, layers: int, input_layer: int
) -> None:
    _, _, reference = made(cell, layers, input_layer)
    assert reference.outputs[0].shape == (ROWS, STEPS, 1)
    differences = verify(model_of(cell, layers, input_layer), reference)
    assert 0 < differences.from_torch < 1e-5
    assert differences.alone == 0


def reset_first(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name == "linear_before_reset":
                attribute.i = 0


def shuffle_weights(graph: onnx.GraphProto) -> None:
    [gru] = [node for node in graph.node if node.op_type == "GRU"]
    for place, tensor in enumerate(graph.initializer):
        if tensor.name == gru.input[2]:
            rolled = np.roll(onnx.numpy_helper.to_array(tensor), 1, axis=1)
            graph.initializer[place].CopyFrom(onnx.numpy_helper.from_array(rolled, tensor.name))


def forget(graph: onnx.GraphProto) -> None:
    """The new state is the old one."""
    for node in graph.node:
        for place, name in enumerate(node.output):
            if name == "h_next":
                node.output[place] = "dropped"
    graph.node.append(onnx.helper.make_node("Identity", ["h"], ["h_next"]))


@pytest.mark.parametrize("damage", [reset_first, shuffle_weights, forget])
def test_a_wrong_graph_is_refused(damage: Callable[[onnx.GraphProto], None]) -> None:
    source, graph, reference = made("gru")
    damaged = onnx.ModelProto()
    damaged.CopyFrom(graph)
    damage(damaged.graph)
    with pytest.raises(ExportRefused, match="golden run is off by"):
        verify(packed(damaged, source.manifest, reference), reference)


def test_a_difference_after_the_golden_run_is_found() -> None:
    _, _, reference = made("gru")
    outputs = reference.outputs[0].copy()
    outputs[-1, GOLDEN_STEPS + 100] += 3 * reference.atol[0]
    with pytest.raises(ExportRefused, match="the graph is not the network"):
        verify(model_of("gru"), replace(reference, outputs=[outputs]))


def test_no_model_at_all_is_refused() -> None:
    with pytest.raises(ExportRefused, match="does not load"):
        verify(b"not a model", made("gru")[2])


def test_the_tolerance_of_an_output_grows_with_it_alone() -> None:
    small, large = np.full((1, 70, 1), 0.1, np.float32), np.full((1, 70, 1), -20.0, np.float32)
    assert Reference([small], [small, large]).atol == pytest.approx((1e-5, 2e-4))


def test_the_golden_run_is_the_start_of_the_first_sequence() -> None:
    _, _, reference = made("gru")
    golden = reference.golden()
    assert golden.steps == GOLDEN_STEPS >= 32
    np.testing.assert_array_equal(golden.inputs[0], reference.inputs[0][0, :GOLDEN_STEPS])
    np.testing.assert_array_equal(golden.outputs[0], reference.outputs[0][0, :GOLDEN_STEPS])
