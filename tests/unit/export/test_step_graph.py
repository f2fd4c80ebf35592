"""The step graph: fused, named, free in its batch, and clean."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from export.source import ExportRefused
from export.step_graph import build, check_fused
from models.cores import Cell
from service.repository import manifest
from tests.unit.export.made import made

RECURRENT = {"gru": "GRU", "lstm": "LSTM", "rnn": "RNN"}


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_each_layer_is_one_fused_operator(cell: Cell, layers: int) -> None:
    _, graph, _ = made(cell, layers)
    operators = Counter(node.op_type for node in graph.graph.node)
    assert operators[RECURRENT[cell]] == layers
    assert not operators.keys() & {"Loop", "Scan", "Transpose", "Reshape", "Sigmoid", "Tanh"}
    check_fused(graph, {RECURRENT[cell]: layers})


def test_the_state_of_one_layer_enters_and_leaves_its_operator_untouched() -> None:
    _, graph, _ = made("lstm")
    [lstm] = [node for node in graph.graph.node if node.op_type == "LSTM"]
    assert list(lstm.input[-2:]) == ["h", "c"]
    assert list(lstm.output[-2:]) == ["h_next", "c_next"]


@pytest.mark.parametrize("layers", [1, 2])
def test_a_gru_resets_after_the_recurrent_product(layers: int) -> None:
    _, graph, _ = made("gru", layers)
    grus = [node for node in graph.graph.node if node.op_type == "GRU"]
    assert [_attributes(gru)["linear_before_reset"] for gru in grus] == [1] * layers


@pytest.mark.parametrize(
    ("cell", "states"), [("gru", ["h"]), ("lstm", ["h", "c"]), ("rnn", ["h"]), ("none", [])]
)
def test_tensors_are_named_by_their_meaning(cell: Cell, states: list[str]) -> None:
    _, graph, _ = made(cell)
    assert [tensor.name for tensor in graph.graph.input] == ["value", *states]
    given = [tensor.name for tensor in graph.graph.output]
    assert given == ["next_value", *(f"{state}_next" for state in states)]


@pytest.mark.parametrize(("cell", "layers"), [("gru", 2), ("lstm", 2), ("rnn", 2), ("none", 1)])
def test_the_batch_is_dynamic(cell: Cell, layers: int) -> None:
    source, graph, _ = made(cell, layers)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    signature = source.manifest.signature()
    specs = [*signature.inputs, *(state.input for state in signature.states)]
    for tensor, spec in zip(session.get_inputs(), specs, strict=True):
        assert tensor.shape == [*spec.batched(1)[: spec.batch_axis], "batch", *spec.shape[-1:]]
    for rows in (1, 2, 33):
        feeds = {spec.name: np.ones(spec.batched(rows), np.float32) for spec in specs}
        outputs = session.run(None, feeds)
        assert outputs[0].shape == (rows, 1)
        assert [output.shape for output in outputs[1:]] == [(2, rows, 8)] * len(outputs[1:])


def test_nothing_of_the_sources_is_left_in_the_file() -> None:
    _, graph, _ = made("gru", 2, 5)
    parts: list[onnx.NodeProto | onnx.ValueInfoProto | onnx.TensorProto]
    parts = [*graph.graph.node, *graph.graph.input, *graph.graph.initializer]
    assert not any(part.doc_string or part.metadata_props for part in parts)
    assert b".py" not in graph.SerializeToString()


def test_large_weights_are_in_their_final_order_too() -> None:
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(4, 128)

        def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
            y, h = self.gru(x.unsqueeze(0), h)
            return y.squeeze(0), h

    graph = build(Wide(), _manifest(inputs=4, outputs=128, layers=1, hidden=128))
    assert "Gather" not in {node.op_type for node in graph.graph.node}


@pytest.mark.parametrize(("nonlinearity", "bias"), [("tanh", False), ("relu", True)])
def test_a_users_own_module_is_fused_too(nonlinearity: str, bias: bool) -> None:
    """Batch first, with and without biases, with either activation of `torch.nn.RNN`."""
    torch.manual_seed(0)

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.RNN(3, 5, 2, nonlinearity=nonlinearity, bias=bias, batch_first=True)

        def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
            y, h = self.rnn(x.unsqueeze(1), h)
            return y.squeeze(1), h

    own = Own()
    graph = build(own, _manifest(inputs=3, outputs=5, layers=2, hidden=5))
    check_fused(graph, {"RNN": 2})
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    x, h = torch.randn(4, 3), torch.randn(2, 4, 5)
    streamed = session.run(None, {"x": x.numpy(), "h": h.numpy()})
    with torch.no_grad():
        expected = own(x, h)
    for got, wanted in zip(streamed, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)


def test_an_operator_in_pieces_is_refused() -> None:
    _, graph, _ = made("none")
    with pytest.raises(ExportRefused, match="holds 0 fused GRU, not 1"):
        check_fused(graph, {"GRU": 1})


def test_a_loop_is_refused() -> None:
    graph = onnx.ModelProto()
    graph.graph.node.add(op_type="Scan")
    with pytest.raises(ExportRefused, match="Scan"):
        check_fused(graph, {})


def test_the_other_gru_is_refused() -> None:
    changed = onnx.ModelProto()
    changed.CopyFrom(made("gru")[1])
    [gru] = [node for node in changed.graph.node if node.op_type == "GRU"]
    gru.attribute.remove(next(a for a in gru.attribute if a.name == "linear_before_reset"))
    with pytest.raises(ExportRefused, match="resets before the recurrent product"):
        check_fused(changed, {"GRU": 1})


def test_the_exporter_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    source, _, _ = made("none")
    build(source.step, source.manifest)
    assert capfd.readouterr() == ("", "")


def _attributes(node: onnx.NodeProto) -> dict[str, object]:
    return {
        attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute
    }


def _manifest(inputs: int, outputs: int, layers: int, hidden: int) -> manifest.Manifest:
    state = manifest.Tensor(name="h", shape=(layers, hidden), batch_axis=1)
    return manifest.Manifest(
        inputs=(manifest.Tensor(name="x", shape=(inputs,)),),
        outputs=(manifest.Tensor(name="y", shape=(outputs,)),),
        states=(manifest.State(input=state, output="h_next"),),
    )
