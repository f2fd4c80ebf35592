"""Products with a constant matrix, in 8-bit integers.

x W is taken as s_x s_w (q_x q_w). q_w is int8, with a scale s_w for each column. q_x is uint8, with
a scale s_x for each row, which is found as the row comes: no sample of inputs is needed, nothing is
clipped, and a row's result depends on that row alone. DynamicQuantizeLinear would take one scale
for the whole batch, so that the largest value of any stream decides. MatMulInteger adds up exactly
in int32: rows are the same to the last bit in batches of any size.

ONNX Runtime's fast kernels on x86 take uint8 times int8. Int8 times int8 runs several times slower
than floats, and so does a product between DequantizeLinear nodes: it stays one of floats. Where the
processor has no VNNI, the fast kernels add pairs of products in 16 bits, and saturate. LEVELS keeps
every pair within: 2 * 180 * 90 < 2^15. All processors compute the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper

from export.int8.draft import Draft
from service.core.model import Array

LEVELS = 90
"""Of weights -90 to 90; of values, too, and 90 is added to them."""
ZERO = np.array(LEVELS, np.uint8)
STEP = np.array(1 / LEVELS, np.float32)
TINY = np.array(1e-30, np.float32)
"""At least the largest value of a row or column: the steps of smaller ones have no precision."""


class InInt8(NamedTuple):
    model: onnx.ModelProto
    products: int
    weights: int
    """Of all these products."""


def in_int8(model: onnx.ModelProto, smallest: int) -> InInt8:
    """Every product whose constant matrix has `smallest` weights or more, in integers."""
    draft = Draft(model)
    rows: dict[str, _Rows] = {}
    sizes = []
    for node in model.graph.node:
        product = _product(node, draft)
        if product is None or product.W.size < smallest:
            draft.keep(node)
            continue
        sizes.append(product.W.size)
        if product.x not in rows:
            rows[product.x] = _rows(draft, product.x)
        _put(draft, product, rows[product.x], node.output[0])
    return InInt8(draft.finished(), len(sizes), sum(sizes))


def quantized(matrix: Array) -> tuple[Array, Array]:
    """[K, N] as int8 [K, N], and the scale of each column, float32 [N]."""
    largest = np.abs(matrix).max(axis=0)
    scales = (np.maximum(largest, TINY) / LEVELS).astype(np.float32)
    return np.rint(matrix / scales).astype(np.int8), scales


class _Product(NamedTuple):
    x: str
    W: Array
    """[K, N]."""
    bias: str
    """A tensor that is added; empty if none is."""


def _product(node: NodeProto, draft: Draft) -> _Product | None:
    if node.op_type not in ("MatMul", "Gemm"):
        return None
    matrix = draft.value(node.input[1])
    if matrix is None or matrix.ndim != 2 or matrix.dtype != np.float32:
        return None
    said = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if said.get("alpha", 1) != 1 or said.get("beta", 1) != 1 or said.get("transA", 0):
        return None
    bias = node.input[2] if len(node.input) > 2 else ""
    return _Product(node.input[0], matrix.T if said.get("transB", 0) else matrix, bias)


class _Rows(NamedTuple):
    """A tensor [..., K] row by row."""

    levels: str
    """uint8 [..., K]."""
    largest: str
    """The largest magnitude, [..., 1]."""
    zero: str
    """The level of 0."""


def _rows(draft: Draft, x: str) -> _Rows:
    last = draft.constant(np.array([-1], np.int64))
    largest = draft.node("ReduceMax", draft.node("Abs", x), last, keepdims=1)
    largest = draft.node("Max", largest, draft.constant(TINY))
    zero = draft.constant(ZERO)
    relative = draft.node("Div", x, largest)
    levels = draft.node("QuantizeLinear", relative, draft.constant(STEP), zero)
    return _Rows(levels, largest, zero)


def _put(draft: Draft, product: _Product, rows: _Rows, output: str) -> None:
    weights, scales = quantized(product.W)
    summed = draft.node("MatMulInteger", rows.levels, draft.constant(weights), rows.zero)
    real = draft.node("Cast", summed, to=TensorProto.FLOAT)
    scaled = draft.node("Mul", real, draft.constant(scales * STEP))
    if not product.bias:
        draft.node("Mul", scaled, rows.largest, output=output)
        return
    draft.node("Add", draft.node("Mul", scaled, rows.largest), product.bias, output=output)
