"""The equations are the library's layers: the same outputs and the same gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.cells import Cell
from tests.unit.models.cells.libraries import LIBRARY, by_gate, like, weights

FEATURES, HIDDEN, STEPS, ROWS = 3, 5, 20, 4


def close(ours: Tensor | None, theirs: Tensor | None) -> None:
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("given", [False, True], ids=["from-zeros", "from-a-given-state"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", LIBRARY)
def test_equal_to_torch_forward_and_gradients(cell: type[Cell], layers: int, given: bool) -> None:
    torch.manual_seed(layers)
    library = LIBRARY[cell](FEATURES, HIDDEN, layers).double()
    unrolled = like(library, cell)
    x = torch.randn(STEPS, ROWS, FEATURES, dtype=torch.float64)
    start = torch.randn(len(cell.states), layers, ROWS, HIDDEN, dtype=torch.float64)
    weighting = torch.randn(STEPS, ROWS, HIDDEN, dtype=torch.float64)

    our_x, their_x = (x.clone().requires_grad_() for _ in range(2))
    our_start, their_start = (start.clone().requires_grad_() for _ in range(2))
    ours, our_state = unrolled(our_x, tuple(our_start) if given else None)
    their_state = tuple(their_start) if len(their_start) > 1 else their_start[0]
    theirs, new = library(their_x, their_state if given else None)

    close(ours, theirs)
    close(torch.stack(our_state), torch.stack(new if isinstance(new, tuple) else (new,)))

    # The new state weighs in too, so that an LSTM's last cell state has a gradient.
    ((ours * weighting).sum() + sum(part.square().sum() for part in our_state)).backward()
    their_parts = new if isinstance(new, tuple) else (new,)
    ((theirs * weighting).sum() + sum(part.square().sum() for part in their_parts)).backward()
    close(our_x.grad, their_x.grad)
    if given:
        close(our_start.grad, their_start.grad)
    for layer, one in enumerate(unrolled.cells):
        gradients = [part.grad for part in weights(library, layer)]
        for names, w, u, b, c in by_gate(cell, [part for part in gradients if part is not None]):
            close(one.get_parameter(names.W).grad, w.T)
            close(one.get_parameter(names.U).grad, u.T)
            close(one.get_parameter(names.b).grad, b)
            close(one.get_parameter(names.c).grad, c)
