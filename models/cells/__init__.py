"""Recurrent cells from their equations, a page each, and their layers over time.

By their names on the command line:

- `elman`: the simple recurrent network
- `gru-reset-after`: the GRU of cuDNN and torch
- `gru-reset-before`: the GRU as published, its update gate keeps the old state
- `gru-update-writes`: the same, its update gate writes the new state
- `lstm-equations`: the LSTM, with a forget gate
"""

from __future__ import annotations

from models.cells.cell import Cell, State
from models.cells.elman import Elman
from models.cells.gru_reset_after import GRUResetAfter
from models.cells.gru_reset_before import GRUResetBefore, GRUUpdateWrites
from models.cells.lstm import LSTM
from models.cells.unrolled import Unrolled

CELLS: dict[str, type[Cell]] = {
    "elman": Elman,
    "gru-reset-after": GRUResetAfter,
    "gru-reset-before": GRUResetBefore,
    "gru-update-writes": GRUUpdateWrites,
    "lstm-equations": LSTM,
}

__all__ = [
    "CELLS",
    "LSTM",
    "Cell",
    "Elman",
    "GRUResetAfter",
    "GRUResetBefore",
    "GRUUpdateWrites",
    "State",
    "Unrolled",
]
