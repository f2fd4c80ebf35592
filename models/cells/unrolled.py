"""Cells over time: layers on top of each other, each stepped through the whole sequence.

Shapes: T timesteps, B sequences, E inputs, H hidden units, L layers.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from models.cells.cell import Cell, State


class Unrolled(nn.Module):
    """Layers of a cell; the upper ones read the hidden states of those below.

    A state is one tensor [L, B, H] for each name in the cell's `states`.
    """

    def __init__(self, cell: type[Cell], inputs: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        widths = [inputs] + [hidden] * (layers - 1)
        self.layers = nn.ModuleList(cell(width, hidden) for width in widths)

    def forward(self, z: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Takes z [T, B, E] to the top layer's h [T, B, H], and the new state.

        Without a state the sequence starts from zeros.
        """
        last = []
        for cell, initial in self._layers(z, state):
            passed = _passed(cell, z, initial)
            z = torch.stack([h for h, *_ in passed[1:]])  # [T, B, H]
            last.append(passed[-1])
        return z, tuple(torch.stack(parts) for parts in zip(*last, strict=True))

    def gates(self, z: Tensor, state: State | None = None) -> dict[str, Tensor]:
        """The gate activations on the way through z [T, B, E], by name, each [L, T, B, H]."""
        seen = []
        for cell, initial in self._layers(z, state):
            passed = _passed(cell, z, initial)
            steps = [cell.gates(x, before) for x, before in zip(z, passed[:-1], strict=True)]
            seen.append([torch.stack(gate) for gate in zip(*steps, strict=True)])
            z = torch.stack([h for h, *_ in passed[1:]])
        names = self.cells[0].Gates._fields
        return dict(zip(names, map(torch.stack, zip(*seen, strict=True)), strict=True))

    @property
    def cells(self) -> list[Cell]:
        """The layers, the lowest first."""
        return [cast(Cell, cell) for cell in self.layers]

    def _layers(self, z: Tensor, state: State | None) -> list[tuple[Cell, State]]:
        """Each layer with its initial state, each [B, H]."""
        cells = self.cells
        if state is None:
            zeros = z.new_zeros(len(cells), z.shape[1], cells[0].hidden)
            state = (zeros,) * len(cells[0].states)
        return list(zip(cells, zip(*state, strict=True), strict=True))


def _passed(cell: Cell, z: Tensor, state: State) -> list[State]:
    """The states before, between and after the timesteps of z [T, B, E]: T + 1 of them."""
    passed = [state]
    for x in z:
        passed.append(cell(x, passed[-1]))
    return passed
