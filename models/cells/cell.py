"""What every cell is: one timestep, its state in and out in the open.

Shapes: B sequences, F inputs, H hidden units. A sequence's timestep is a row, so the W x of the
papers is written `x @ W`, with W [F, H].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]
"""What a cell carries from a timestep to the next, each [B, H], the hidden state h first."""


class Cell(nn.Module, ABC):
    states: ClassVar[tuple[str, ...]]
    """The names of the states: hidden state h, cell state c."""
    Gates: ClassVar[Any]
    """The NamedTuple that `gates` gives."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.hidden = hidden

    @abstractmethod
    def gates(self, x: Tensor, state: State) -> tuple[Tensor, ...]:
        """The gate activations of the timestep x [B, F], each [B, H], as a `Gates`."""

    @abstractmethod
    def forward(self, x: Tensor, state: State) -> State:
        """Takes x [B, F] and the state to the new state."""

    def weights(self) -> tuple[nn.Parameter, nn.Parameter, nn.Parameter]:
        """W [F, H], U [H, H] and b [H] of one gate."""
        hidden = self.hidden
        return self.uniform(self.inputs, hidden), self.uniform(hidden, hidden), self.uniform(hidden)

    def uniform(self, *shape: int) -> nn.Parameter:
        """Drawn between -1/sqrt(H) and 1/sqrt(H), as the layers of `torch.nn` are."""
        bound = self.hidden**-0.5
        return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
