"""Foreign graphs: made by hand, as other tools would make them, and what they compute in NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import ModelProto, helper

from service.core.model import Array
from tests import graphs
from tests.handmade import BOOL, FLOAT, INT64, Foreign, Shape, Stepped, model


def lstm(*, features: int = 3, hidden: int = 4) -> Foreign:
    """Neither the order nor the alphabet pairs its states: h, c become next_c, h_next."""
    random = np.random.default_rng(0)
    w, r = (random.normal(size=(1, 4 * hidden, n)).astype(np.float32) for n in (features, hidden))
    b = random.normal(size=(1, 8 * hidden)).astype(np.float32)
    state: Shape = [1, "batch", hidden]
    made = model(
        [
            helper.make_node("Unsqueeze", ["x", "first"], ["sequence"]),
            helper.make_node(
                "LSTM",
                ["sequence", "W", "R", "B", "", "h", "c"],
                ["", "h_next", "next_c"],
                hidden_size=hidden,
            ),
            helper.make_node("Squeeze", ["h_next", "first"], ["y"]),
        ],
        {"h": (FLOAT, state), "c": (FLOAT, state), "x": (FLOAT, ["batch", features])},
        {"next_c": (FLOAT, state), "h_next": (FLOAT, state), "y": (FLOAT, ["batch", hidden])},
        {"W": w, "R": r, "B": b, "first": np.array([0])},
    )

    def step(x: Array, h: Array, c: Array) -> Stepped:
        gates = w[0] @ x + r[0] @ h[0] + b[0, : 4 * hidden] + b[0, 4 * hidden :]
        i, o, f, g = np.split(gates, 4)  # in the order of ONNX
        new_c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        new_h = _sigmoid(o) * np.tanh(new_c)
        return {"y": new_h[0]}, (new_h, new_c)

    return Foreign(made, step, (np.zeros((1, hidden)),) * 2, {"x": ("float32", (features,))})


def counter() -> Foreign:
    """Adds up whole numbers from 100 on."""
    vector: Shape = ["N", 2]
    made = model(
        [
            helper.make_node("Add", ["count", "x"], ["new_count"]),
            helper.make_node("Mul", ["new_count", "two"], ["doubled"]),
        ],
        {"x": (INT64, vector), "count": (INT64, vector)},
        {"doubled": (INT64, vector), "new_count": (INT64, vector)},
        {"two": np.array([2])},
    )

    def step(x: Array, count: Array) -> Stepped:
        return {"doubled": 2 * (count + x)}, (count + x,)

    toml = "states.count.initial = [100, -100]"
    return Foreign(made, step, (np.array([100, -100]),), {"x": ("int64", (2,))}, toml)


def branching() -> Foreign:
    """An `If`: adds x up and starts again from zero when x is positive; one condition a run."""
    vector: Shape = [None, 1]
    hold, reset = (
        helper.make_graph(
            [helper.make_node("Mul", ["sum", factor], [f"from_{factor}"])],
            factor,
            [],
            [helper.make_tensor_value_info(f"from_{factor}", FLOAT, None)],
        )
        for factor in ("one", "zero")
    )
    made = model(
        [
            helper.make_node("ReduceMax", ["x"], ["largest"], keepdims=0),
            helper.make_node("Greater", ["largest", "zero"], ["positive"]),
            helper.make_node("If", ["positive"], ["kept"], then_branch=reset, else_branch=hold),
            helper.make_node("Add", ["kept", "x"], ["sum_next"]),
            helper.make_node("Identity", ["sum_next"], ["total"]),
        ],
        {"x": (FLOAT, vector), "sum": (FLOAT, vector)},
        {"total": (FLOAT, vector), "sum_next": (FLOAT, vector)},
        {"zero": np.zeros((), np.float32), "one": np.ones((), np.float32)},
    )

    def step(x: Array, total: Array) -> Stepped:
        new = x if x.max() > 0 else total + x
        return {"total": new}, (new,)

    return Foreign(made, step, (np.zeros(1),), {"x": ("float32", (1,))})


def one_row() -> Foreign:
    """A fixed batch of 1: the mean of a signal, decaying; its only output is the state."""
    vector: Shape = [1, 2]
    made = model(
        [
            helper.make_node("Sub", ["signal", "mean_prev"], ["error"]),
            helper.make_node("Mul", ["error", "rate"], ["change"]),
            helper.make_node("Add", ["mean_prev", "change"], ["mean"]),
        ],
        {"signal": (FLOAT, vector), "mean_prev": (FLOAT, vector)},
        {"mean": (FLOAT, vector)},
        {"rate": np.array(0.25, np.float32)},
    )

    def step(signal: Array, mean: Array) -> Stepped:
        new = mean + 0.25 * (signal - mean)
        return {"mean": new}, (new,)

    return Foreign(made, step, (np.zeros(2),), {"signal": ("float32", (2,))})


def scaled() -> Foreign:
    """Constants: a scalar `temperature` and a vector `gain`; and an input of truth values."""
    vector: Shape = ["batch", 2]
    made = model(
        [
            helper.make_node("Where", ["gate", "x", "zero"], ["open"]),
            helper.make_node("Mul", ["open", "gain"], ["gained"]),
            helper.make_node("Add", ["h", "gained"], ["h_out"]),
            helper.make_node("Div", ["h_out", "temperature"], ["y"]),
        ],
        {
            "temperature": (FLOAT, []),
            "x": (FLOAT, vector),
            "gain": (FLOAT, [2]),
            "gate": (BOOL, ["batch", 1]),
            "h": (FLOAT, vector),
        },
        {"y": (FLOAT, vector), "h_out": (FLOAT, vector)},
        {"zero": np.zeros((), np.float32)},
    )

    def step(x: Array, gate: Array, h: Array) -> Stepped:
        new = h + np.where(gate, x, 0) * [2, 3]
        return {"y": new / 0.5}, (new,)

    inputs = {"x": ("float32", (2,)), "gate": ("bool", (1,))}
    toml = "constants.temperature = 0.5\nconstants.gain = [2.0, 3.0]"
    return Foreign(made, step, (np.zeros(2),), inputs, toml)


def unnamed() -> Foreign:
    """Open axes without names, among them a time axis: x [?, ?, ?] is [batch, 1, 3]."""
    made = model(
        [
            helper.make_node("Squeeze", ["x", "second"], ["now"]),
            helper.make_node("Add", ["h", "now"], ["h_next"]),
            helper.make_node("Unsqueeze", ["h_next", "second"], ["y"]),
        ],
        {"x": (FLOAT, [None, None, None]), "h": (FLOAT, [None, 3])},
        {"y": (FLOAT, [None, 1, 3]), "h_next": (FLOAT, [None, 3])},
        {"second": np.array([1])},
    )

    def step(x: Array, h: Array) -> Stepped:
        return {"y": h + x}, (h + x[0],)

    toml = "inputs.x.batch_axis = 0\ninputs.x.shape = [1, 3]"
    return Foreign(made, step, (np.zeros(3),), {"x": ("float32", (1, 3))}, toml)


def lookup(first: int = 0) -> Foreign:
    """An embedding of 4 symbols from `first` on, added up.

    Another number raises inside ONNX Runtime.
    """
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    made = model(
        [
            helper.make_node("Sub", ["symbol", "first"], ["row"]),
            helper.make_node("Gather", ["table", "row"], ["embedded"]),
            helper.make_node("Add", ["h", "embedded"], ["h_next"]),
            helper.make_node("Identity", ["h_next"], ["y"]),
        ],
        {"symbol": (INT64, ["batch"]), "h": (FLOAT, ["batch", 2])},
        {"y": (FLOAT, ["batch", 2]), "h_next": (FLOAT, ["batch", 2])},
        {"table": table, "first": np.array(first)},
    )

    def step(symbol: Array, h: Array) -> Stepped:
        new = h + table[symbol - first]
        return {"y": new}, (new,)

    return Foreign(made, step, (np.zeros(2),), {"symbol": ("int64", ())})


def memoryless() -> Foreign:
    made = model(
        [helper.make_node("Tanh", ["x"], ["y"])],
        {"x": (FLOAT, ["batch", 3])},
        {"y": (FLOAT, ["batch", 3])},
    )

    def step(x: Array) -> Stepped:
        return {"y": np.tanh(x)}, ()

    return Foreign(made, step, (), {"x": ("float32", (3,))}, "memoryless = true")


def unequal() -> ModelProto:
    """A state of 2 that is renewed by 3."""
    return model(
        [
            helper.make_node("Concat", ["h", "x"], ["h_next"], axis=1),
            helper.make_node("Identity", ["x"], ["y"]),
        ],
        {"x": (FLOAT, ["batch", 1]), "h": (FLOAT, ["batch", 2])},
        {"y": (FLOAT, ["batch", 1]), "h_next": (FLOAT, ["batch", 3])},
    )


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


GRAPHS = {
    "lstm": lstm,
    "counter": counter,
    "branching": branching,
    "one-row": one_row,
    "scaled": scaled,
    "unnamed": unnamed,
    "lookup": lookup,
    "memoryless": memoryless,
}


def put(repository: Path, name: str, content: bytes, toml: str = "", version: int = 1) -> Path:
    """Writes a graph into a repository, and a `model.toml` beside it unless it is empty."""
    path = graphs.put(repository, name, content, version)
    if toml:
        path.with_name("model.toml").write_text(toml)
    return path
