"""The model that the benchmark serves: a GRU of random weights, packaged as an export would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from service.core.model import Array, GoldenRun
from service.repository.manifest import Manifest, State, Tensor, encode
from service.repository.packages import MODEL_FILE

_OPSET, _IR = 17, 9
_GOLDEN_STEPS = 32
_GATES = 3


def write_gru(repository: Path, name: str, *, features: int, hidden: int) -> None:
    """Writes version 1 of model `name`: x float32[features] → y float32[hidden], the new state."""
    random = np.random.default_rng(0)
    model = _step_graph(features, hidden, random)
    inputs = random.standard_normal((_GOLDEN_STEPS, features)).astype(np.float32)
    manifest = Manifest(
        inputs=(Tensor(name="x", shape=(features,)),),
        outputs=(Tensor(name="y", shape=(hidden,)),),
        states=(State(input=Tensor(name="h", shape=(hidden,)), output="h_next"),),
    )
    golden = GoldenRun((inputs,), (_stepped(model, inputs, hidden),), atol=(1e-5,))
    helper.set_model_props(model, encode(manifest, golden))
    path = repository / name / "1" / MODEL_FILE
    path.parent.mkdir(parents=True)
    onnx.save(model, path)


def _step_graph(features: int, hidden: int, random: np.random.Generator) -> onnx.ModelProto:
    bound = hidden**-0.5
    weights = {
        "W": (1, _GATES * hidden, features),
        "R": (1, _GATES * hidden, hidden),
        "B": (1, 2 * _GATES * hidden),
    }
    constants = [
        numpy_helper.from_array(random.uniform(-bound, bound, shape).astype(np.float32), weight)
        for weight, shape in weights.items()
    ]
    nodes = [
        helper.make_node("Unsqueeze", ["x", "front"], ["sequence"]),
        helper.make_node("Unsqueeze", ["h", "front"], ["before"]),
        helper.make_node(
            "GRU",
            ["sequence", "W", "R", "B", "", "before"],
            ["", "after"],
            hidden_size=hidden,
            linear_before_reset=1,
        ),
        helper.make_node("Squeeze", ["after", "front"], ["h_next"]),
        helper.make_node("Identity", ["h_next"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "gru",
        [_rows("x", features), _rows("h", hidden)],
        [_rows("y", hidden), _rows("h_next", hidden)],
        [*constants, numpy_helper.from_array(np.zeros(1, np.int64), "front")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR
    )
    onnx.checker.check_model(model)
    return model


def _rows(name: str, size: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])


def _stepped(model: onnx.ModelProto, inputs: Array, hidden: int) -> Array:
    """The outputs of one stream, [T, hidden]."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    state = np.zeros((1, hidden), np.float32)
    outputs = []
    for row in inputs:
        output, state = session.run(["y", "h_next"], {"x": row[None], "h": state})
        outputs.append(output[0])
    return np.array(outputs)
