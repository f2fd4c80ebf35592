"""What a foreign graph is made of: nodes and tensors, its `model.toml`, its equations."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from service.core.graph import GraphFacts
from service.core.model import Array
from service.runtime.graph import Graph

Shape = Sequence[int | str | None]
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
STEPS = 32

Stepped = tuple[dict[str, Array], tuple[Array, ...]]
"""Outputs by name, new states."""


@dataclass(frozen=True)
class Foreign:
    """A graph, what has to be said of it, and its equations."""

    model: ModelProto
    step: Callable[..., Stepped]
    """Of one stream: called with the inputs, then the states."""
    initial: tuple[Array, ...]
    inputs: Mapping[str, tuple[str, tuple[int, ...]]]
    """Of one stream: dtype and shape by name."""
    toml: str = ""
    """The `model.toml` it needs; empty if none."""

    @property
    def content(self) -> bytes:
        return self.model.SerializeToString()

    @property
    def facts(self) -> GraphFacts:
        return Graph(self.content).facts

    @property
    def declared(self) -> dict[str, object]:
        """The keys of the `model.toml`."""
        return tomllib.loads(self.toml)

    def stream(self, seed: int = 0) -> dict[str, Array]:
        """Inputs of one stream, each [STEPS, *shape]."""
        random = np.random.default_rng(seed)
        return {
            name: (
                random.normal(size=(STEPS, *shape))
                if dtype == "float32"
                else random.integers(0, 2, (STEPS, *shape))
            ).astype(dtype)
            for name, (dtype, shape) in self.inputs.items()
        }

    def expected(self, inputs: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
        """The outputs of each step in NumPy."""
        states = self.initial
        for step in range(STEPS):
            outputs, states = self.step(*(array[step] for array in inputs.values()), *states)
            yield outputs


def model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, tuple[int, Shape | None]],
    outputs: Mapping[str, tuple[int, Shape | None]],
    constants: Mapping[str, Array] | None = None,
) -> ModelProto:
    """`inputs`, `outputs`: element type and shape, the batch axis in it, by name."""
    made = helper.make_graph(
        nodes,
        "step",
        [_value(name, *kind) for name, kind in inputs.items()],
        [_value(name, *kind) for name, kind in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _value(name: str, dtype: int, shape: Shape | None) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)
