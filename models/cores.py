"""The recurrent core of a network: torch's layers, cells from their equations, or no memory at all.

Shapes: T timesteps, B sequences, E inputs, H hidden units, L layers, D directions.
"""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor, nn

from models.cells import CELLS
from models.cells.unrolled import Unrolled

State = tuple[Tensor, ...]
"""What a core carries from a timestep to the next, each [D L, B, H]: `(h,)` of a GRU or RNN,
`(h, c)` of an LSTM, `()` without memory."""

Library = Literal["gru", "lstm", "rnn"]
Cell = Literal[
    Library,
    "elman",
    "gru-reset-after",
    "gru-reset-before",
    "gru-update-writes",
    "lstm-equations",
    "none",
]
"""Torch's layers by their names, then the cells of models.cells, then no recurrence."""


class CellRefused(ValueError):
    """There is no such cell, or it has no bidirectional form."""


LIBRARY: dict[str, type[nn.GRU | nn.LSTM | nn.RNN]] = {
    "gru": nn.GRU,
    "lstm": nn.LSTM,
    "rnn": nn.RNN,
}


def states_of(cell: Cell) -> tuple[str, ...]:
    """The names of a cell's states: hidden state h, cell state c."""
    if cell in CELLS:
        return CELLS[cell].states
    return {"lstm": ("h", "c"), "none": ()}.get(cell, ("h",))


def core_of(cell: Cell, width: int, hidden: int, layers: int, *, bidirectional: bool) -> nn.Module:
    """A module that takes z [T, B, E] and a state or None to h [T, B, D H] and the new state.

    Raises CellRefused.
    """
    if cell in LIBRARY:
        return Recurrent(LIBRARY[cell], width, hidden, layers, bidirectional=bidirectional)
    if bidirectional:
        raise CellRefused(f"only {', '.join(LIBRARY)} have a bidirectional form, not {cell}")
    if cell in CELLS:
        return Unrolled(CELLS[cell], width, hidden, layers)
    if cell == "none":
        return Memoryless(width, hidden, layers)
    raise CellRefused(f"no cell is called {cell!r}: there are {', '.join(get_args(Cell))}")


class Recurrent(nn.Module):
    """`torch.nn.GRU`, `LSTM` or `RNN` with the state always a tuple."""

    def __init__(
        self,
        library: type[nn.GRU | nn.LSTM | nn.RNN],
        width: int,
        hidden: int,
        layers: int,
        *,
        bidirectional: bool,
    ) -> None:
        super().__init__()
        self.cells = library(width, hidden, num_layers=layers, bidirectional=bidirectional)

    def forward(self, z: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Takes z [T, B, E] to h [T, B, D H], and the new state."""
        if state is not None and len(state) == 1:
            h, new = self.cells(z, state[0])
        else:
            h, new = self.cells(z, state)
        return h, new if isinstance(new, tuple) else (new,)


class Memoryless(nn.Module):
    """Two tanh layers, E to 3H to H, where a GRU layer would stand.

    3H (E + H + 1) + H parameters: a GRU layer has 2H more.
    """

    def __init__(self, width: int, hidden: int, layers: int) -> None:
        super().__init__()
        sizes = [width] + [hidden] * (layers - 1)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Linear(size, 3 * hidden), nn.Tanh(), nn.Linear(3 * hidden, hidden), nn.Tanh()
                )
                for size in sizes
            )
        )

    def forward(self, z: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Takes z [T, B, E] to h [T, B, H]; there is no state."""
        return self.layers(z), ()
