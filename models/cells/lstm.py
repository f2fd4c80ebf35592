"""Long short-term memory (Hochreiter & Schmidhuber, 1997) with the forget gate of Gers,
Schmidhuber & Cummins, "Learning to Forget", 2000.

    f  = σ(W_f x + U_f h + b_f)       forget gate: 1 keeps the old cell
    i  = σ(W_i x + U_i h + b_i)       input gate: 1 writes the candidate
    g  = tanh(W_g x + U_g h + b_g)    candidate
    o  = σ(W_o x + U_o h + b_o)       output gate
    c' = f ⊙ c + i ⊙ g                cell
    h' = o ⊙ tanh(c')                 hidden state

Keeping and writing are two gates here, where a GRU has one.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.cells.cell import Cell, State


class LSTM(Cell):
    """`torch.nn.LSTM` with the two biases of each gate as one."""

    states = ("h", "c")

    class Gates(NamedTuple):
        f: Tensor
        i: Tensor
        g: Tensor
        o: Tensor

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.W_f, self.U_f, self.b_f = self.weights()  # [F, H], [H, H], [H]
        self.W_i, self.U_i, self.b_i = self.weights()
        self.W_g, self.U_g, self.b_g = self.weights()
        self.W_o, self.U_o, self.b_o = self.weights()

    def gates(self, x: Tensor, state: State) -> Gates:
        h, _ = state  # [B, H] each
        f = torch.sigmoid(x @ self.W_f + h @ self.U_f + self.b_f)
        i = torch.sigmoid(x @ self.W_i + h @ self.U_i + self.b_i)
        g = torch.tanh(x @ self.W_g + h @ self.U_g + self.b_g)
        o = torch.sigmoid(x @ self.W_o + h @ self.U_o + self.b_o)
        return self.Gates(f, i, g, o)

    def forward(self, x: Tensor, state: State) -> State:
        _, c = state
        f, i, g, o = self.gates(x, state)
        c = f * c + i * g
        h = o * torch.tanh(c)
        return h, c
