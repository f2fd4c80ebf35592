"""The simple recurrent network (Elman, "Finding Structure in Time", 1990), with tanh.

    h' = tanh(W x + U h + b)

The new state is a mixture of the input and of all of the old state: there is no gate to keep any
of it. The output y is read from h' by the network's head.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.cells.cell import Cell, State


class Elman(Cell):
    """`torch.nn.RNN` with its two biases as one."""

    states = ("h",)

    class Gates(NamedTuple):
        """There is none: the new hidden state itself, between -1 and 1."""

        h: Tensor

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.W, self.U, self.b = self.weights()  # [F, H], [H, H], [H]

    def gates(self, x: Tensor, state: State) -> Gates:
        (h,) = state  # [B, H]
        return self.Gates(h=torch.tanh(x @ self.W + h @ self.U + self.b))

    def forward(self, x: Tensor, state: State) -> State:
        return (self.gates(x, state).h,)
