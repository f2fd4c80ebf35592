"""Step graphs of recurrent operators, built by hand: layers on top of each other, then a head."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from onnx import ModelProto, NodeProto, helper

from export.fused_ops import OPSET
from service.core.model import Array
from service.repository.manifest import Manifest, State, Tensor
from tests import graphs

INPUTS, HIDDEN, OUTPUTS = 5, 24, 3


class Kind(NamedTuple):
    operator: str
    gates: int
    attributes: dict[str, Any]


KINDS = {
    "gru resetting after": Kind("GRU", 3, {"linear_before_reset": 1}),
    "gru resetting before": Kind("GRU", 3, {"linear_before_reset": 0}),
    "lstm": Kind("LSTM", 4, {}),
    "rnn of tanh": Kind("RNN", 1, {"activations": ["Tanh"]}),
    "rnn of relu": Kind("RNN", 1, {"activations": ["Relu"]}),
}


def described(kind: str, layers: int = 1) -> Manifest:
    states = ("h", "c") if kind == "lstm" else ("h",)
    return Manifest(
        inputs=(Tensor(name="x", shape=(INPUTS,)),),
        outputs=(Tensor(name="y", shape=(OUTPUTS,)),),
        states=tuple(
            State(input=_state(f"{name}{layer}"), output=f"{name}{layer}_next")
            for layer in range(layers)
            for name in states
        ),
    )


def stack(
    kind: str, layers: int = 1, *, steps: int = 1, bias: bool = True, **attributes: Any
) -> ModelProto:
    """`steps`: of which the input of the operators is made, by repeating x."""
    operator, gates, own = KINDS[kind]
    manifest, random = described(kind, layers), np.random.default_rng(7)
    weights: dict[str, Array] = {
        "steps": np.array([steps, 1, 1], np.int64),
        "time": np.array([0], np.int64),
        "direction": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Unsqueeze", ["x", "time"], ["x_one"]),
        helper.make_node("Tile", ["x_one", "steps"], ["sequence0"])
        if steps > 1
        else helper.make_node("Identity", ["x_one"], ["sequence0"]),
    ]
    for layer in range(layers):
        width = HIDDEN if layer else INPUTS
        for name, shape in (
            ("W", (1, gates * HIDDEN, width)),
            ("R", (1, gates * HIDDEN, HIDDEN)),
            ("B", (1, 2 * gates * HIDDEN)),
        ):
            bound = (3 if operator == "GRU" else 1.5) * HIDDEN**-0.5
            weights[f"{name}{layer}"] = random.uniform(-bound, bound, shape).astype(np.float32)
        names = ["h", "c"] if operator == "LSTM" else ["h"]
        taken = [f"{name}{layer}" for name in ("sequence", "W", "R")]
        taken += [f"B{layer}" if bias else "", "", *(f"{name}{layer}" for name in names)]
        given = [f"all{layer}", *(f"{name}{layer}_next" for name in names)]
        nodes += [
            helper.make_node(operator, taken, given, hidden_size=HIDDEN, **(own | attributes)),
            helper.make_node("Squeeze", [f"all{layer}", "direction"], [f"sequence{layer + 1}"]),
        ]
    weights["head"] = random.uniform(-0.5, 0.5, (OUTPUTS, HIDDEN)).astype(np.float32)
    weights["bias"] = random.normal(size=OUTPUTS).astype(np.float32)
    weights["last"] = np.array(steps - 1, np.int64)
    nodes += [
        helper.make_node("Gather", [f"sequence{layers}", "last"], ["top"], axis=0),
        helper.make_node("Gemm", ["top", "head", "bias"], ["y"], transB=1),
    ]
    return graph(nodes, manifest, weights)


def graph(nodes: list[NodeProto], manifest: Manifest, weights: dict[str, Array]) -> ModelProto:
    """Of the opset that exports have."""
    made = graphs.graph(nodes, manifest, weights)
    made.opset_import[0].version = OPSET
    made.ir_version = 10
    return made


def _state(name: str) -> Tensor:
    return Tensor(name=name, shape=(1, HIDDEN), batch_axis=1)
