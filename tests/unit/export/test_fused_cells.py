"""Cells as fused operators: the right one, and the same network as the equations."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from export.fused_cells import fused, operators_of
from export.source import RESET_BEFORE, ExportRefused
from export.step_graph import build, check_fused
from models.cells import CELLS, Elman, State, Unrolled
from service.repository import manifest

FEATURES, HIDDEN, ROWS, STEPS = 3, 8, 4, 256
OPERATOR = {
    "elman": "RNN",
    "gru-reset-after": "GRU",
    "gru-reset-before": "GRU",
    "gru-update-writes": "GRU",
    "lstm-equations": "LSTM",
}
RESET = {"gru-reset-after": 1, "gru-reset-before": 0, "gru-update-writes": 0}
"""The right `linear_before_reset`."""


class Step(nn.Module):
    def __init__(self, core: Unrolled) -> None:
        super().__init__()
        self.core = core

    def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        h, new = self.core(x.unsqueeze(0), state)
        return h.squeeze(0), *new


def step_of(name: str, layers: int) -> Step:
    torch.manual_seed(layers)
    return Step(Unrolled(CELLS[name], FEATURES, HIDDEN, layers))


@cache
def graph_of(name: str, layers: int) -> onnx.ModelProto:
    """Shared, so change only a copy."""
    return build(fused(step_of(name, layers)), declared(name, layers))


def declared(name: str, layers: int) -> manifest.Manifest:
    return manifest.Manifest(
        inputs=(manifest.Tensor(name="x", shape=(FEATURES,)),),
        outputs=(manifest.Tensor(name="y", shape=(HIDDEN,)),),
        states=tuple(
            manifest.State(
                input=manifest.Tensor(name=state, shape=(layers, HIDDEN), batch_axis=1),
                output=f"{state}_next",
            )
            for state in CELLS[name].states
        ),
    )


def streamed(graph: onnx.ModelProto, x: Tensor, state: State) -> tuple[Tensor, State]:
    """Steps the graph through x [T, B, F]: the outputs [T, B, H] and the last state."""
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    names = [tensor.name for tensor in session.get_inputs()]
    carried, outputs = [part.numpy() for part in state], []
    for moment in x.numpy():
        y, *carried = session.run(None, dict(zip(names, [moment, *carried], strict=True)))
        outputs.append(y)
    return torch.from_numpy(np.stack(outputs)), tuple(map(torch.from_numpy, carried))


def largest_difference(graph: onnx.ModelProto, name: str, layers: int) -> float:
    """Between the stepped graph and the equations, from a given state."""
    core = step_of(name, layers).core
    x = torch.randn(STEPS, ROWS, FEATURES)
    state = tuple(torch.randn(layers, ROWS, HIDDEN).tanh() for _ in CELLS[name].states)
    with torch.no_grad():
        expected, last = core(x, state)
    outputs, carried = streamed(graph, x, state)
    pairs = zip((outputs, *carried), (expected, *last), strict=True)
    return max(float((ours - theirs).abs().max()) for ours, theirs in pairs)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", CELLS)
def test_the_stepped_operator_equals_the_equations(name: str, layers: int) -> None:
    assert largest_difference(graph_of(name, layers), name, layers) < 1e-5


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", CELLS)
def test_each_layer_is_one_operator_and_nothing_is_computed_beside_it(
    name: str, layers: int
) -> None:
    graph = graph_of(name, layers)
    kinds = Counter(node.op_type for node in graph.graph.node)
    assert kinds.pop(OPERATOR[name]) == layers
    assert kinds.keys() <= {"Unsqueeze", "Squeeze"} | ({"Split", "Concat"} if layers > 1 else set())
    check_fused(graph, operators_of(step_of(name, layers)))


@pytest.mark.parametrize("name", RESET)
def test_a_gru_resets_where_its_equations_do(name: str) -> None:
    for node in graph_of(name, 2).graph.node:
        if node.op_type == "GRU":
            assert linear_before_reset(node).i == RESET[name]


@pytest.mark.parametrize("name", RESET)
def test_the_other_reset_is_refused_and_is_another_network(name: str) -> None:
    changed = onnx.ModelProto()
    changed.CopyFrom(graph_of(name, 1))
    [gru] = [node for node in changed.graph.node if node.op_type == "GRU"]
    linear_before_reset(gru).i = 1 - RESET[name]
    message = {
        0: "holds 0 fused GRU with linear_before_reset=0, not 1",
        1: "resets before the recurrent product, the network's after it",
    }
    with pytest.raises(ExportRefused, match=message[RESET[name]]):
        check_fused(changed, operators_of(step_of(name, 1)))
    assert largest_difference(changed, name, 1) > 1e-3


@pytest.mark.parametrize("name", CELLS)
def test_the_batch_is_dynamic(name: str) -> None:
    graph = graph_of(name, 2)
    for rows in (1, 7):
        state = tuple(torch.zeros(2, rows, HIDDEN) for _ in CELLS[name].states)
        outputs, _ = streamed(graph, torch.randn(2, rows, FEATURES), state)
        assert outputs.shape == (2, rows, HIDDEN)


def test_the_network_itself_is_left_as_it_is() -> None:
    step = step_of("gru-reset-before", 1)
    copied = fused(step)
    assert isinstance(step.core, Unrolled)
    assert not isinstance(copied.core, Unrolled)


def test_what_each_core_brings_is_counted() -> None:
    network = nn.ModuleDict(
        {
            name: nn.Sequential(Unrolled(CELLS[name], FEATURES, HIDDEN, layers))
            for layers, name in enumerate(CELLS, 1)
        }
    )
    counts = {"RNN": 1, "GRU": 2, RESET_BEFORE: 3 + 4, "LSTM": 5}
    assert operators_of(network) == counts
    assert not operators_of(fused(network))


def test_a_cell_with_other_equations_stays_as_they_are() -> None:
    class Lazy(Elman):
        def forward(self, x: Tensor, state: State) -> State:
            (h,) = state
            return ((super().forward(x, state)[0] + h) / 2,)

    step = Step(Unrolled(Lazy, FEATURES, HIDDEN))
    assert not operators_of(step)
    graph = build(fused(step), declared("elman", 1))
    assert "RNN" not in {node.op_type for node in graph.graph.node}
    x, state = torch.randn(STEPS, ROWS, FEATURES), (torch.zeros(1, ROWS, HIDDEN),)
    with torch.no_grad():
        expected, _ = step.core(x, state)
    outputs, _ = streamed(graph, x, state)
    torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=0)


def linear_before_reset(node: onnx.NodeProto) -> onnx.AttributeProto:
    return next(
        attribute for attribute in node.attribute if attribute.name == "linear_before_reset"
    )
