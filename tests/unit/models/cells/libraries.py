"""Cells with the weights of a layer of `torch.nn`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.cells import LSTM, Cell, Elman, GRUResetAfter, Unrolled


class Names(NamedTuple):
    """Of one gate's weights in a cell. Torch's have none, but an order."""

    W: str
    U: str
    b: str
    c: str
    """The recurrent bias: b itself where the cell has one bias for torch's two."""


IN_TORCHS_ORDER: dict[type[Cell], list[Names]] = {
    Elman: [Names("W", "U", "b", "b")],
    GRUResetAfter: [
        Names("W_r", "U_r", "b_r", "b_r"),
        Names("W_z", "U_z", "b_z", "b_z"),
        Names("W_n", "U_n", "b_n", "c_n"),
    ],
    LSTM: [Names(f"W_{gate}", f"U_{gate}", f"b_{gate}", f"b_{gate}") for gate in "ifgo"],
}
LIBRARY: dict[type[Cell], type[nn.RNN | nn.GRU | nn.LSTM]] = {
    Elman: nn.RNN,
    GRUResetAfter: nn.GRU,
    LSTM: nn.LSTM,
}


@torch.no_grad()
def like(library: nn.RNNBase, cell: type[Cell]) -> Unrolled:
    """Float64. A bias that stands for two is their sum."""
    made = Unrolled(cell, library.input_size, library.hidden_size, library.num_layers).double()
    for layer, one in enumerate(made.cells):
        for names, w, u, b, c in by_gate(cell, weights(library, layer)):
            one.get_parameter(names.W).copy_(w.T)
            one.get_parameter(names.U).copy_(u.T)
            one.get_parameter(names.c).copy_(c)
            one.get_parameter(names.b).copy_(b + c if names.b == names.c else b)
    return made


def weights(library: nn.RNNBase, layer: int) -> list[Tensor]:
    return [
        library.get_parameter(f"{part}_l{layer}")
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]


def by_gate(
    cell: type[Cell], stacked: list[Tensor]
) -> Iterator[tuple[Names, Tensor, Tensor, Tensor, Tensor]]:
    """Splits torch's four tensors of a layer, or their gradients."""
    gates = IN_TORCHS_ORDER[cell]
    return zip(gates, *(part.chunk(len(gates)) for part in stacked), strict=True)
