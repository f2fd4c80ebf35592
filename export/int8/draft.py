"""A graph that is written again, node by node."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from service.core.model import Array


class Draft:
    """A copy of a model without its nodes, which the caller puts in, the same or others.

    Tensors that are new get names of their own.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self._added: list[onnx.TensorProto] = []
        self._nodes: list[NodeProto] = []
        self._numbers = count()
        self._renamed: dict[str, str] = {}

    def value(self, name: str) -> Array | None:
        """That of a weight of the model; None if `name` is none."""
        found = self._weights.get(name)
        return None if found is None else numpy_helper.to_array(found)

    def keep(self, node: NodeProto) -> None:
        kept = NodeProto()
        kept.CopyFrom(node)
        kept.input[:] = [self.named(name) for name in node.input]
        self._nodes.append(kept)

    def named(self, tensor: str) -> str:
        """What a tensor of the model is called here."""
        return self._renamed.get(tensor, tensor)

    def rename(self, tensor: str, to: str) -> None:
        """Nodes that are kept from here on read `to` in its place."""
        self._renamed[tensor] = to

    def constant(self, value: Array) -> str:
        name = self._fresh()
        self._added.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Puts in a node and gives the name of its one output: `output`, or one of its own."""
        name = output or self._fresh()
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def split(self, tensor: str, sizes: Sequence[int]) -> list[str]:
        """Its parts along the last axis."""
        names = [self._fresh() for _ in sizes]
        where = self.constant(np.array(sizes, np.int64))
        self._nodes.append(helper.make_node("Split", [tensor, where], names, axis=-1))
        return names

    def finished(self) -> onnx.ModelProto:
        """The model with these nodes, and of its weights those that they use."""
        used = {name for node in self._nodes for name in node.input}
        used |= {output.name for output in self._model.graph.output}
        weights = [tensor for tensor in self._weights.values() if tensor.name in used]
        model = onnx.ModelProto()
        model.CopyFrom(_without_contents(self._model))
        model.graph.node.extend(self._nodes)
        model.graph.initializer.extend([*weights, *self._added])
        return model

    def _fresh(self) -> str:
        return next(name for n in self._numbers if (name := f"int8.{n}") not in self._taken)

    @cached_property
    def _taken(self) -> set[str]:
        graph = self._model.graph
        named = {name for node in graph.node for name in (*node.input, *node.output)}
        return named.union(self._weights, (part.name for part in (*graph.input, *graph.output)))


def _without_contents(model: onnx.ModelProto) -> onnx.ModelProto:
    """Everything but nodes and weights, which are not copied."""
    graph = onnx.GraphProto(name=model.graph.name)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    return onnx.ModelProto(
        ir_version=model.ir_version, opset_import=model.opset_import, graph=graph
    )
