"""The gated recurrent unit that resets after the recurrent product.

    r  = σ(W_r x + U_r h + b_r)                  reset gate
    z  = σ(W_z x + U_z h + b_z)                  update gate: 1 keeps the old state
    n  = tanh(W_n x + b_n + r ⊙ (U_n h + c_n))   candidate
    h' = (1 - z) ⊙ n + z ⊙ h

Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014, in the first
version (arXiv 1406.1078v1); cuDNN and `torch.nn.GRU` compute this one, because U_n h needs not wait
for r: all products with h are one. In ONNX it is `linear_before_reset = 1`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.cells.cell import Cell, State


class GRUResetAfter(Cell):
    """`torch.nn.GRU` with the two biases of r, and of z, as one."""

    states = ("h",)

    class Gates(NamedTuple):
        r: Tensor
        z: Tensor
        n: Tensor

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.W_r, self.U_r, self.b_r = self.weights()  # [F, H], [H, H], [H]
        self.W_z, self.U_z, self.b_z = self.weights()
        self.W_n, self.U_n, self.b_n = self.weights()
        self.c_n = self.uniform(hidden)  # [H], inside the reset: it cannot be one with b_n

    def gates(self, x: Tensor, state: State) -> Gates:
        (h,) = state  # [B, H]
        r = torch.sigmoid(x @ self.W_r + h @ self.U_r + self.b_r)
        z = torch.sigmoid(x @ self.W_z + h @ self.U_z + self.b_z)
        n = torch.tanh(x @ self.W_n + self.b_n + r * (h @ self.U_n + self.c_n))
        return self.Gates(r, z, n)

    def forward(self, x: Tensor, state: State) -> State:
        (h,) = state
        _, z, n = self.gates(x, state)
        return ((1 - z) * n + z * h,)
