"""The gated recurrent unit that resets before the recurrent product, its update gate both ways.

    r  = σ(W_r x + U_r h + b_r)           reset gate
    z  = σ(W_z x + U_z h + b_z)           update gate
    n  = tanh(W_n x + U_n (r ⊙ h) + b_n)  candidate

Texts differ in what the update gate then does:

    h' = (1 - z) ⊙ n + z ⊙ h              z keeps the old state
    h' = Γ_u ⊙ n + (1 - Γ_u) ⊙ h          Γ_u writes the new one

Both are the same network: Γ_u = 1 - z = σ(-(W_z x + U_z h + b_z)), so negated weights of that gate
turn one into the other. In ONNX they are `linear_before_reset = 0`, whose z keeps the old state.

z keeps: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014, as published
(arXiv 1406.1078v3). Γ_u writes: Chung et al., "Empirical Evaluation of Gated Recurrent Neural
Networks on Sequence Modeling", 2014, who call it z; the letter Γ_u is that of Ng's lectures on
sequence models.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.cells.cell import Cell, State


class GRUResetBefore(Cell):
    """The update gate z keeps the old state."""

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

    def gates(self, x: Tensor, state: State) -> Gates:
        (h,) = state  # [B, H]
        r = torch.sigmoid(x @ self.W_r + h @ self.U_r + self.b_r)
        z = torch.sigmoid(x @ self.W_z + h @ self.U_z + self.b_z)
        n = torch.tanh(x @ self.W_n + (r * h) @ self.U_n + self.b_n)
        return self.Gates(r, z, n)

    def forward(self, x: Tensor, state: State) -> State:
        (h,) = state
        _, z, n = self.gates(x, state)
        return ((1 - z) * n + z * h,)


class GRUUpdateWrites(Cell):
    """The update gate Γ_u, here u, writes the new state."""

    states = ("h",)

    class Gates(NamedTuple):
        r: Tensor
        u: Tensor
        n: Tensor

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.W_r, self.U_r, self.b_r = self.weights()  # [F, H], [H, H], [H]
        self.W_u, self.U_u, self.b_u = self.weights()
        self.W_n, self.U_n, self.b_n = self.weights()

    def gates(self, x: Tensor, state: State) -> Gates:
        (h,) = state  # [B, H]
        r = torch.sigmoid(x @ self.W_r + h @ self.U_r + self.b_r)
        u = torch.sigmoid(x @ self.W_u + h @ self.U_u + self.b_u)
        n = torch.tanh(x @ self.W_n + (r * h) @ self.U_n + self.b_n)
        return self.Gates(r, u, n)

    def forward(self, x: Tensor, state: State) -> State:
        (h,) = state
        _, u, n = self.gates(x, state)
        return (u * n + (1 - u) * h,)
