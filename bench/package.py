"""The models that the benchmark serves: random weights, packaged as an export would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import onnx
import onnxruntime as ort
from onnx import NodeProto, TensorProto, helper, numpy_helper

from service.core.model import Array, GoldenRun
from service.repository.manifest import Manifest, State, Tensor, encode
from service.repository.packages import MODEL_FILE

_OPSET, _IR = 17, 9
_GOLDEN_STEPS = 32
_GATES = {"GRU": 3, "LSTM": 4}
_KINDS = {"GRU": "h", "LSTM": "hc"}
"""Of state, in the order of the operator's inputs."""


class Network(NamedTuple):
    """x float32[features] → y float32[hidden], the new hidden state of the last layer."""

    name: str
    cell: Literal["GRU", "LSTM"]
    features: int
    hidden: int
    layers: int = 1

    @property
    def states(self) -> list[str]:
        """One float32[hidden] for each layer and kind of state."""
        return [f"{kind}{layer}" for layer in range(self.layers) for kind in _KINDS[self.cell]]

    @property
    def state_bytes(self) -> int:
        return 4 * self.hidden * len(self.states)

    @property
    def output_bytes(self) -> int:
        return 4 * self.hidden

    def __str__(self) -> str:
        if self.layers == 1:
            return f"{self.cell} {self.features}→{self.hidden}"
        return f"{self.cell} {self.layers} × {self.hidden}"


SMALL = Network("gru", "GRU", features=16, hidden=128)
LAYERED = Network("gru-2x256", "GRU", features=16, hidden=256, layers=2)
LARGE = Network("lstm-2x512", "LSTM", features=16, hidden=512, layers=2)


def write(repository: Path, network: Network) -> Path:
    """Writes version 1 of the model and returns its file."""
    random = np.random.default_rng(0)
    model = _step_graph(network, random)
    inputs = random.standard_normal((_GOLDEN_STEPS, network.features)).astype(np.float32)
    manifest = Manifest(
        inputs=(Tensor(name="x", shape=(network.features,)),),
        outputs=(Tensor(name="y", shape=(network.hidden,)),),
        states=tuple(
            State(input=Tensor(name=state, shape=(network.hidden,)), output=_next(state))
            for state in network.states
        ),
    )
    golden = GoldenRun((inputs,), (_stepped(model, inputs, network),), atol=(1e-5,))
    helper.set_model_props(model, encode(manifest, golden))
    path = repository / network.name / "1" / MODEL_FILE
    path.parent.mkdir(parents=True)
    onnx.save(model, path)
    return path


def _next(state: str) -> str:
    return f"{state}_next"


def _step_graph(network: Network, random: np.random.Generator) -> onnx.ModelProto:
    nodes = [helper.make_node("Unsqueeze", ["x", "front"], ["sequence"])]
    constants = [numpy_helper.from_array(np.zeros(1, np.int64), "front")]
    sequence, features = "sequence", network.features
    for layer in range(network.layers):
        constants += _weights(network, layer, features, random)
        nodes += _layer(network, layer, sequence)
        # A sequence of one timestep is the state after it.
        sequence, features = f"h{layer}_after", network.hidden
    nodes.append(helper.make_node("Identity", [_next(f"h{network.layers - 1}")], ["y"]))
    graph = helper.make_graph(
        nodes,
        network.name,
        [_rows("x", network.features), *(_rows(s, network.hidden) for s in network.states)],
        [_rows("y", network.hidden), *(_rows(_next(s), network.hidden) for s in network.states)],
        constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR
    )
    onnx.checker.check_model(model)
    return model


def _layer(network: Network, layer: int, sequence: str) -> Sequence[NodeProto]:
    states = [f"{kind}{layer}" for kind in _KINDS[network.cell]]
    before = [
        helper.make_node("Unsqueeze", [state, "front"], [f"{state}_before"]) for state in states
    ]
    extra: dict[str, Any] = {"linear_before_reset": 1} if network.cell == "GRU" else {}
    cell = helper.make_node(
        network.cell,
        [
            *(sequence, f"W{layer}", f"R{layer}", f"B{layer}", ""),
            *(f"{state}_before" for state in states),
        ],
        ["", *(f"{state}_after" for state in states)],
        hidden_size=network.hidden,
        **extra,
    )
    after = [
        helper.make_node("Squeeze", [f"{state}_after", "front"], [_next(state)]) for state in states
    ]
    return [*before, cell, *after]


def _weights(
    network: Network, layer: int, features: int, random: np.random.Generator
) -> list[TensorProto]:
    rows, bound = _GATES[network.cell] * network.hidden, network.hidden**-0.5
    shapes = {"W": (1, rows, features), "R": (1, rows, network.hidden), "B": (1, 2 * rows)}
    return [
        numpy_helper.from_array(
            random.uniform(-bound, bound, shape).astype(np.float32), f"{name}{layer}"
        )
        for name, shape in shapes.items()
    ]


def _rows(name: str, size: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])


def _stepped(model: onnx.ModelProto, inputs: Array, network: Network) -> Array:
    """The outputs of one stream, [T, hidden]."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    states = {state: np.zeros((1, network.hidden), np.float32) for state in network.states}
    outputs = []
    for row in inputs:
        output, *after = session.run(["y", *map(_next, network.states)], {"x": row[None], **states})
        states = dict(zip(network.states, after, strict=True))
        outputs.append(output[0])
    return np.array(outputs)
