"""The model file of the witness, packaged as an export would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from service.core.model import Array, GoldenRun
from service.repository.manifest import Manifest, State, Tensor, encode
from service.repository.packages import MODEL_FILE
from service.runtime.graph import Graph
from service.runtime.stepper import Stepper

NAME = "witness"
FEATURES, OUTPUTS = 4, 4
_OPSET, _IR = 17, 9
_GATES = 3
_GOLDEN_STEPS = 32


def write_witness(
    repository: Path, *, hidden: int, layers: int, version: int = 1, name: str = NAME
) -> Path:
    """Writes a stack of GRU layers beside a counter; returns the model file.

    x float32[FEATURES] → y float32[OUTPUTS], the first elements of the last hidden state, and
    taken int64[1], the number of timesteps that have taken effect. `hidden` >= OUTPUTS.
    """
    random = np.random.default_rng(0)
    manifest = _manifest(hidden, layers)
    model = _step_graph(manifest, hidden, layers, random)
    onnx.checker.check_model(model)
    inputs = random.standard_normal((_GOLDEN_STEPS, FEATURES)).astype(np.float32)
    helper.set_model_props(model, encode(manifest, _golden_run(model, manifest, inputs)))
    path = repository / name / str(version) / MODEL_FILE
    path.parent.mkdir(parents=True)
    onnx.save(model, path)
    return path


def _manifest(hidden: int, layers: int) -> Manifest:
    counter = State(input=Tensor(name="count", dtype="int64", shape=(1,)), output="count_next")
    states = [
        State(input=Tensor(name=f"h{layer}", shape=(hidden,)), output=f"h{layer}_next")
        for layer in range(layers)
    ]
    return Manifest(
        inputs=(Tensor(name="x", shape=(FEATURES,)),),
        outputs=(
            Tensor(name="y", shape=(OUTPUTS,)),
            Tensor(name="taken", dtype="int64", shape=(1,)),
        ),
        states=(counter, *states),
    )


def _step_graph(
    manifest: Manifest, hidden: int, layers: int, random: np.random.Generator
) -> ModelProto:
    nodes = [
        helper.make_node("Add", ["count", "one"], ["count_next"]),
        helper.make_node("Identity", ["count_next"], ["taken"]),
    ]
    constants: dict[str, Array] = {
        "one": np.ones(1, np.int64),
        "first": np.zeros(1, np.int64),
        "outputs": np.array([OUTPUTS], np.int64),
        "features": np.ones(1, np.int64),
    }
    for layer in range(layers):
        below, size = (f"h{layer - 1}_next", hidden) if layer else ("x", FEATURES)
        nodes += _gru(layer, below, hidden)
        constants |= _weights(layer, size, hidden, random)
    last = f"h{layers - 1}_next"
    nodes.append(helper.make_node("Slice", [last, "first", "outputs", "features"], ["y"]))
    states = [state.input for state in manifest.states]
    new_states = [s.input.model_copy(update={"name": s.output}) for s in manifest.states]
    graph = helper.make_graph(
        nodes,
        NAME,
        [_rows(tensor) for tensor in (*manifest.inputs, *states)],
        [_rows(tensor) for tensor in (*manifest.outputs, *new_states)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)


def _gru(layer: int, below: str, hidden: int) -> list[NodeProto]:
    """A sequence of one timestep: [1, batch, features]."""
    h, weights = f"h{layer}", [f"{name}{layer}" for name in "WRB"]
    return [
        helper.make_node("Unsqueeze", [below, "first"], [f"{h}_sequence"]),
        helper.make_node("Unsqueeze", [h, "first"], [f"{h}_before"]),
        helper.make_node(
            "GRU",
            [f"{h}_sequence", *weights, "", f"{h}_before"],
            ["", f"{h}_after"],
            hidden_size=hidden,
            linear_before_reset=1,
        ),
        helper.make_node("Squeeze", [f"{h}_after", "first"], [f"{h}_next"]),
    ]


def _weights(
    layer: int, features: int, hidden: int, random: np.random.Generator
) -> dict[str, Array]:
    shapes = {
        "W": (1, _GATES * hidden, features),
        "R": (1, _GATES * hidden, hidden),
        "B": (1, 2 * _GATES * hidden),
    }
    bound = hidden**-0.5
    return {
        f"{name}{layer}": random.uniform(-bound, bound, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def _rows(tensor: Tensor) -> ValueInfoProto:
    dtype = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}[tensor.dtype]
    return helper.make_tensor_value_info(tensor.name, dtype, ["batch", *tensor.shape])


def _golden_run(model: ModelProto, manifest: Manifest, inputs: Array) -> GoldenRun:
    """What the model itself gives for the inputs, [T, FEATURES]."""
    signature = manifest.signature()
    stepper = Stepper(Graph(model.SerializeToString()).step_function(signature), signature)
    stepper.reserve(1)
    stepper.start(0)
    slot = np.zeros(1, np.int64)
    rows = [stepper.step(slot, [row.tobytes()]).outputs for row in inputs]
    outputs = tuple(np.concatenate(column) for column in zip(*rows, strict=True))
    return GoldenRun((inputs,), outputs, (1e-5,) * len(outputs))
