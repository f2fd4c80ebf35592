"""Recurrent operators of one timestep as their equations, so that their products are nodes.

The equations, the order of the gates and `linear_before_reset`: the ONNX operator specification
of GRU, LSTM and RNN. Shapes: B rows, F features, H hidden units.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import NodeProto, helper, shape_inference

from export.int8.draft import Draft
from service.core.model import Array

GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}
USUAL = {
    "GRU": (["Sigmoid", "Tanh"],),
    "LSTM": (["Sigmoid", "Tanh", "Tanh"],),
    "RNN": (["Tanh"], ["Relu"]),
}
"""The activations whose equations are here; without the attribute it is the first of them."""
PLAIN = {"direction": b"forward", "layout": 0, "input_forget": 0}


class _Layer(NamedTuple):
    kind: str
    activation: str
    """An RNN's."""
    resets_after: bool
    x: str
    """[1, B, F]."""
    state: tuple[str, ...]
    """(h,), of an LSTM (h, c): each [1, B, H]."""
    W: Array
    """[F, G H] for G gates."""
    R: Array
    """[H, G H]."""
    b: Array
    """[G H], beside the input."""
    c: Array
    """[G H], beside the state."""
    new: tuple[str, ...]
    """What the new state is called."""


def unfolded(model: onnx.ModelProto, smallest: int) -> onnx.ModelProto:
    """Every recurrent operator whose recurrent product has `smallest` weights, as its equations.

    An operator of several timesteps, of both directions or with anything unusual stays.
    """
    draft, steps = Draft(model), _timesteps(model)
    given = {output.name for output in model.graph.output}
    sequences: dict[str, str] = {}
    for node in model.graph.node:
        if node.op_type == "Squeeze" and node.input[0] in sequences and node.output[0] not in given:
            draft.rename(node.output[0], sequences[node.input[0]])
            continue
        layer = _layer(node, draft) if node.input and steps.get(node.input[0]) == 1 else None
        if layer is None or layer.R.size < smallest:
            draft.keep(node)
            continue
        h = _EQUATIONS[layer.kind](draft, layer)
        if _is_squeezed(node.output[0], model, draft):
            sequences[node.output[0]] = h
        elif node.output[0]:
            directions = draft.constant(np.array([1], np.int64))
            draft.node("Unsqueeze", h, directions, output=node.output[0])
    return draft.finished()


def _is_squeezed(sequence: str, model: onnx.ModelProto, draft: Draft) -> bool:
    """Whether all that reads the output [1, 1, B, H] takes the axis of the directions from it."""
    readers = [node for node in model.graph.node if sequence in node.input]
    return all(
        node.op_type == "Squeeze"
        and len(node.input) > 1
        and (axes := draft.value(node.input[1])) is not None
        and axes.tolist() == [1]
        for node in readers
    ) and sequence not in {output.name for output in model.graph.output}


def _timesteps(model: onnx.ModelProto) -> dict[str, int]:
    """The first axis of each tensor, as far as it is known."""
    graph = shape_inference.infer_shapes(model).graph
    return {
        value.name: value.type.tensor_type.shape.dim[0].dim_value
        for value in (*graph.value_info, *graph.input)
        if value.type.tensor_type.shape.dim
    }


def _layer(node: NodeProto, draft: Draft) -> _Layer | None:
    if node.op_type not in GATES:
        return None
    said: dict[str, Any] = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    activations = [name.decode() for name in said.get("activations", [])]
    activations = activations or USUAL[node.op_type][0]
    x, w, r, b, lengths, *more = [*node.input, *[""] * (8 - len(node.input))]
    count = 2 if node.op_type == "LSTM" else 1
    state, peepholes = tuple(more[:count]), more[count:]
    weights, recurrent, bias = draft.value(w), draft.value(r), draft.value(b)
    if (
        weights is None
        or recurrent is None
        or (b and bias is None)
        or weights.dtype != np.float32
        or activations not in USUAL[node.op_type]
        or any(said.get(name, usual) != usual for name, usual in PLAIN.items())
        or said.keys() & {"clip", "activation_alpha", "activation_beta"}
        or lengths
        or any(peepholes)
        or not all(state)
    ):
        return None
    biases = np.zeros((2, recurrent.shape[1]), np.float32) if bias is None else bias.reshape(2, -1)
    return _Layer(
        node.op_type,
        activations[0],
        bool(said.get("linear_before_reset", 0)),
        draft.named(x),
        tuple(map(draft.named, state)),
        weights[0].T,
        recurrent[0].T,
        biases[0],
        biases[1],
        tuple([*node.output[1:], "", ""][:count]),
    )


def _gru(draft: Draft, layer: _Layer) -> str:
    if layer.resets_after:
        return _gru_resetting_after(draft, layer)
    hidden, (h,) = len(layer.R), layer.state
    from_x = _affine(draft, layer.x, layer.W, layer.b + layer.c)
    x_gates, x_new = draft.split(from_x, [2 * hidden, hidden])
    h_gates = _product(draft, h, layer.R[:, : 2 * hidden])
    z, r = _gates(draft, draft.node("Add", x_gates, h_gates), [hidden, hidden])
    from_h = _product(draft, draft.node("Mul", r, h), layer.R[:, 2 * hidden :])
    new = draft.node("Tanh", draft.node("Add", x_new, from_h))
    return _between(draft, new, h, z, layer.new[0])


def _gru_resetting_after(draft: Draft, layer: _Layer) -> str:
    hidden, (h,) = len(layer.R), layer.state
    bias = layer.b + np.concatenate([layer.c[: 2 * hidden], np.zeros(hidden, np.float32)])
    x_gates, x_new = draft.split(_affine(draft, layer.x, layer.W, bias), [2 * hidden, hidden])
    h_gates, h_new = draft.split(_product(draft, h, layer.R), [2 * hidden, hidden])
    z, r = _gates(draft, draft.node("Add", x_gates, h_gates), [hidden, hidden])
    h_new = draft.node("Add", h_new, draft.constant(layer.c[2 * hidden :]))
    new = draft.node("Tanh", draft.node("Add", x_new, draft.node("Mul", r, h_new)))
    return _between(draft, new, h, z, layer.new[0])


def _lstm(draft: Draft, layer: _Layer) -> str:
    hidden, (h, c) = len(layer.R), layer.state
    summed = draft.node(
        "Add",
        _affine(draft, layer.x, layer.W, layer.b + layer.c),
        _product(draft, h, layer.R),
    )
    gates, candidate = draft.split(summed, [3 * hidden, hidden])
    i, o, f = _gates(draft, gates, [hidden] * 3)
    kept = draft.node("Mul", f, c)
    added = draft.node("Mul", i, draft.node("Tanh", candidate))
    c = draft.node("Add", kept, added, output=layer.new[1])
    return draft.node("Mul", o, draft.node("Tanh", c), output=layer.new[0])


def _rnn(draft: Draft, layer: _Layer) -> str:
    from_x = _affine(draft, layer.x, layer.W, layer.b + layer.c)
    summed = draft.node("Add", from_x, _product(draft, layer.state[0], layer.R))
    return draft.node(layer.activation, summed, output=layer.new[0])


_EQUATIONS = {"GRU": _gru, "LSTM": _lstm, "RNN": _rnn}
"""Each puts in a timestep and gives the name of the new h."""


def _product(draft: Draft, x: str, weights: Array) -> str:
    return draft.node("MatMul", x, draft.constant(weights))


def _affine(draft: Draft, x: str, weights: Array, bias: Array) -> str:
    return draft.node("Add", _product(draft, x, weights), draft.constant(bias))


def _gates(draft: Draft, summed: str, sizes: list[int]) -> list[str]:
    return draft.split(draft.node("Sigmoid", summed), sizes)


def _between(draft: Draft, new: str, old: str, z: str, output: str) -> str:
    """(1 - z) new + z old, with an operation less."""
    towards = draft.node("Mul", z, draft.node("Sub", old, new))
    return draft.node("Add", new, towards, output=output)
