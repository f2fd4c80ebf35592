"""Step graphs built by hand, and packages of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, ValueInfoProto, helper, numpy_helper

from service.core.model import Array, GoldenRun
from service.repository.manifest import Manifest, State, Tensor, encode
from service.runtime.graph import Graph
from service.runtime.stepper import Stepper

ACCUMULATOR = Manifest(
    inputs=(Tensor(name="x", shape=(1,)),),
    outputs=(Tensor(name="total", shape=(1,)),),
    states=(State(input=Tensor(name="sum", shape=(1,)), output="sum_next"),),
)


def graph(
    nodes: list[NodeProto], manifest: Manifest, constants: dict[str, Array] | None = None
) -> ModelProto:
    """A model with the tensors of the manifest and a dynamic batch axis."""
    states = [state.input for state in manifest.states]
    new_states = [s.input.model_copy(update={"name": s.output}) for s in manifest.states]
    made = helper.make_graph(
        nodes,
        "step",
        [_value(tensor, manifest) for tensor in (*manifest.inputs, *states)],
        [_value(tensor, manifest) for tensor in (*manifest.outputs, *new_states)],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _value(tensor: Tensor, manifest: Manifest) -> ValueInfoProto:
    batch = 1 if manifest.fixed_batch else "batch"
    shape = [*tensor.shape[: tensor.batch_axis], batch, *tensor.shape[tensor.batch_axis :]]
    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype))
    return helper.make_tensor_value_info(tensor.name, dtype, shape)


def accumulator() -> ModelProto:
    """Total = sum_next = sum + x, float32[1]."""
    return graph(
        [
            helper.make_node("Add", ["sum", "x"], ["sum_next"]),
            helper.make_node("Identity", ["sum_next"], ["total"]),
        ],
        ACCUMULATOR,
    )


def neighbourly() -> ModelProto:
    """An accumulator whose rows depend on each other: it subtracts the mean of the batch."""
    return graph(
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
            helper.make_node("Sub", ["x", "mean"], ["centred"]),
            helper.make_node("Add", ["sum", "centred"], ["sum_next"]),
            helper.make_node("Identity", ["sum_next"], ["total"]),
        ],
        ACCUMULATOR,
    )


def recurrent(cell: str, *, inputs: int = 8, hidden: int = 64) -> tuple[ModelProto, Manifest]:
    """One GRU or RNN op with random weights; its state is [1, batch, hidden]."""
    manifest = Manifest(
        inputs=(Tensor(name="x", shape=(inputs,)),),
        outputs=(Tensor(name="y", shape=(hidden,)),),
        states=(State(input=Tensor(name="h", shape=(1, hidden), batch_axis=1), output="h_next"),),
    )
    gates = {"GRU": 3, "RNN": 1}[cell]
    random = np.random.default_rng(0)
    bound = hidden**-0.5
    constants: dict[str, Array] = {
        "W": random.uniform(-bound, bound, (1, gates * hidden, inputs)).astype(np.float32),
        "R": random.uniform(-bound, bound, (1, gates * hidden, hidden)).astype(np.float32),
        "B": random.uniform(-bound, bound, (1, 2 * gates * hidden)).astype(np.float32),
        "first": np.array([0], np.int64),
    }
    attributes: dict[str, Any] = {"linear_before_reset": 1} if cell == "GRU" else {}
    nodes = [
        helper.make_node("Unsqueeze", ["x", "first"], ["sequence"]),
        helper.make_node(
            cell,
            ["sequence", "W", "R", "B", "", "h"],
            ["", "h_next"],
            hidden_size=hidden,
            **attributes,
        ),
        helper.make_node("Squeeze", ["h_next", "first"], ["y"]),
    ]
    return graph(nodes, manifest, constants), manifest


def golden_run(model: ModelProto, manifest: Manifest, steps: int = 32) -> GoldenRun:
    """What the model itself gives for random inputs."""
    signature = manifest.signature()
    stepper = Stepper(Graph(model.SerializeToString()).step_function(signature), signature)
    stepper.reserve(1)
    stepper.start(0)
    random = np.random.default_rng(1)
    inputs = [
        random.normal(size=(steps, *spec.shape)).astype(spec.dtype) for spec in signature.inputs
    ]
    rows = [
        stepper.step(np.zeros(1, np.int64), [array[step].tobytes() for array in inputs]).outputs
        for step in range(steps)
    ]
    outputs = [np.concatenate(column) for column in zip(*rows, strict=True)]
    return GoldenRun(tuple(inputs), tuple(outputs), (1e-5,) * len(outputs))


def with_metadata(model: ModelProto, manifest: Manifest, golden: GoldenRun) -> ModelProto:
    described = ModelProto()
    described.CopyFrom(model)
    helper.set_model_props(described, encode(manifest, golden))
    return described


def package(model: ModelProto, manifest: Manifest, golden: GoldenRun | None = None) -> bytes:
    """The bytes of a model file with its manifest and golden run."""
    golden = golden or golden_run(model, manifest)
    return with_metadata(model, manifest, golden).SerializeToString()


def accumulator_package() -> bytes:
    return package(accumulator(), ACCUMULATOR)


def put(repository: Path, name: str, content: bytes, version: int = 1) -> Path:
    """Writes a model file into a repository."""
    path = repository / name / str(version) / "model.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def mixer() -> tuple[ModelProto, Manifest]:
    """Two inputs, two outputs and an integer state: counts steps and adds up a gated signal."""
    manifest = Manifest(
        inputs=(Tensor(name="signal", shape=(2,)), Tensor(name="gate", dtype="bool", shape=(1,))),
        outputs=(
            Tensor(name="sum", shape=(2,)),
            Tensor(name="count", dtype="int64", shape=(1,)),
        ),
        states=(
            State(input=Tensor(name="held", shape=(2,)), output="held_next"),
            State(input=Tensor(name="steps", dtype="int64", shape=(1,)), output="steps_next"),
        ),
    )
    nodes = [
        helper.make_node("Where", ["gate", "signal", "zero"], ["open"]),
        helper.make_node("Add", ["held", "open"], ["held_next"]),
        helper.make_node("Identity", ["held_next"], ["sum"]),
        helper.make_node("Add", ["steps", "one"], ["steps_next"]),
        helper.make_node("Identity", ["steps_next"], ["count"]),
    ]
    constants: dict[str, Array] = {
        "zero": np.zeros(1, np.float32),
        "one": np.ones(1, np.int64),
    }
    return graph(nodes, manifest, constants), manifest


def wide(size: int = 2**14) -> tuple[ModelProto, Manifest]:
    """An accumulator of many elements, whose messages soon fill a connection."""
    vector = Tensor(name="x", shape=(size,))
    manifest = Manifest(
        inputs=(vector,),
        outputs=(vector.model_copy(update={"name": "total"}),),
        states=(State(input=vector.model_copy(update={"name": "sum"}), output="sum_next"),),
    )
    return graph(list(accumulator().graph.node), manifest), manifest
