"""Which ONNX operator a cell of `models.cells` is, and where its gates go.

The equations of one side are in the cells' modules, those of the other in the ONNX operator
specification of `RNN`, `GRU` and `LSTM`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from export.source import RESET_BEFORE
from models.cells import LSTM, Cell, Elman, GRUResetAfter, GRUResetBefore, GRUUpdateWrites


class Gate(NamedTuple):
    """Of F inputs and H hidden units, in the cells' orientation, which is not ONNX's."""

    W: Tensor
    """[F, H]"""
    U: Tensor
    """[H, H]"""
    b: Tensor
    """[H]"""
    c: Tensor | None = None
    """[H], a bias of the recurrent product by itself."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One layer in ONNX's words."""

    kind: str
    gates: Sequence[Gate]
    """In ONNX's order."""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The kind, as `Source.fused` has it."""
        before = self.attributes.get("linear_before_reset") == 0
        return RESET_BEFORE if before else self.kind


def _elman(cell: Elman) -> Operator:
    return Operator("RNN", [Gate(cell.W, cell.U, cell.b)])


def _gru_reset_after(cell: GRUResetAfter) -> Operator:
    z = Gate(cell.W_z, cell.U_z, cell.b_z)
    r = Gate(cell.W_r, cell.U_r, cell.b_r)
    n = Gate(cell.W_n, cell.U_n, cell.b_n, cell.c_n)
    return Operator("GRU", [z, r, n], {"linear_before_reset": 1})


def _gru_reset_before(cell: GRUResetBefore) -> Operator:
    z = Gate(cell.W_z, cell.U_z, cell.b_z)
    r = Gate(cell.W_r, cell.U_r, cell.b_r)
    n = Gate(cell.W_n, cell.U_n, cell.b_n)
    return Operator("GRU", [z, r, n], {"linear_before_reset": 0})


def _gru_update_writes(cell: GRUUpdateWrites) -> Operator:
    # ONNX's z keeps the old state, u writes the new one: z = 1 - σ(a) = σ(-a).
    z = Gate(-cell.W_u, -cell.U_u, -cell.b_u)
    r = Gate(cell.W_r, cell.U_r, cell.b_r)
    n = Gate(cell.W_n, cell.U_n, cell.b_n)
    return Operator("GRU", [z, r, n], {"linear_before_reset": 0})


def _lstm(cell: LSTM) -> Operator:
    i = Gate(cell.W_i, cell.U_i, cell.b_i)
    o = Gate(cell.W_o, cell.U_o, cell.b_o)
    f = Gate(cell.W_f, cell.U_f, cell.b_f)
    g = Gate(cell.W_g, cell.U_g, cell.b_g)
    return Operator("LSTM", [i, o, f, g])


OPERATORS: Mapping[type[Cell], Callable[[Any], Operator]] = {
    Elman: _elman,
    GRUResetAfter: _gru_reset_after,
    GRUResetBefore: _gru_reset_before,
    GRUUpdateWrites: _gru_update_writes,
    LSTM: _lstm,
}
"""By the very type: a class derived from one of these may have other equations."""
