"""Each cell's equations, one timestep computed by hand, in simple fractions:
σ(ln 3) = 3/4 and tanh(ln 2) = 3/5.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from models.cells import LSTM, Cell, Elman, GRUResetAfter, GRUResetBefore, GRUUpdateWrites

X = torch.tensor([[1.0]])
H = torch.tensor([[1.0, -1.0]])
LN3, LN2 = math.log(3), math.log(2)


def put(cell: Cell, gate: str, scale: float) -> None:
    """Makes W x + U h + b = [scale, -scale], from scale times [1, 1], [0, -1] and [0, -1]."""
    with torch.no_grad():
        cell.get_parameter(f"W{gate}").copy_(scale * torch.tensor([[1.0, 1.0]]))
        cell.get_parameter(f"U{gate}").copy_(scale * torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
        cell.get_parameter(f"b{gate}").copy_(scale * torch.tensor([0.0, -1.0]))


def row(*values: float) -> Tensor:
    return torch.tensor([values])


def fill(parameter: Tensor, values: object) -> None:
    with torch.no_grad():
        parameter.copy_(LN2 * torch.tensor(values))


def candidate_of_reset_before(cell: GRUResetBefore | GRUUpdateWrites) -> None:
    """Mixes r ⊙ h = [3/4, -1/4] to ln 2 [1, -1]; W x and b cancel each other."""
    fill(cell.U_n, [[4.0, 0.0], [8.0, 4.0]])
    fill(cell.W_n, [[2.0, 3.0]])
    fill(cell.b_n, [-2.0, -3.0])


def test_elman() -> None:
    cell = Elman(1, 2)
    put(cell, "", LN2)
    assert_close(cell(X, (H,)), (row(0.6, -0.6),))


def test_gru_reset_after() -> None:
    cell = GRUResetAfter(1, 2)
    put(cell, "_r", LN3)
    put(cell, "_z", -LN3)
    put(cell, "_n", LN2)  # U_n h = ln 2 [0, -1], W_n x = ln 2 [1, 1]
    fill(cell.c_n, [4.0, 9.0])  # r ⊙ ln 2 [4, 8] = ln 2 [3, 2]
    fill(cell.b_n, [-3.0, -4.0])
    assert_close(cell.gates(X, (H,)), (row(0.75, 0.25), row(0.25, 0.75), row(0.6, -0.6)))
    # 3/4 of 0.6 and 1/4 of 1; 1/4 of -0.6 and 3/4 of -1
    assert_close(cell(X, (H,)), (row(0.7, -0.9),))


def test_gru_reset_before() -> None:
    cell = GRUResetBefore(1, 2)
    put(cell, "_r", LN3)
    put(cell, "_z", -LN3)
    candidate_of_reset_before(cell)
    assert_close(cell.gates(X, (H,)), (row(0.75, 0.25), row(0.25, 0.75), row(0.6, -0.6)))
    assert_close(cell(X, (H,)), (row(0.7, -0.9),))


def test_gru_update_writes() -> None:
    cell = GRUUpdateWrites(1, 2)
    put(cell, "_r", LN3)
    put(cell, "_u", LN3)
    candidate_of_reset_before(cell)
    assert_close(cell.gates(X, (H,)), (row(0.75, 0.25), row(0.75, 0.25), row(0.6, -0.6)))
    assert_close(cell(X, (H,)), (row(0.7, -0.9),))


def test_lstm() -> None:
    cell = LSTM(1, 2)
    put(cell, "_f", LN3)
    put(cell, "_i", -LN3)
    put(cell, "_g", LN2)
    put(cell, "_o", LN3)
    gates = cell.gates(X, (H, row(1.0, -1.0)))
    expected = (row(0.75, 0.25), row(0.25, 0.75), row(0.6, -0.6), row(0.75, 0.25))
    assert_close(gates, expected)
    # 3/4 of 1 and 1/4 of 0.6; 1/4 of -1 and 3/4 of -0.6
    h, c = cell(X, (H, row(1.0, -1.0)))
    assert_close(c, row(0.9, -0.7))
    assert_close(h, row(0.75 * math.tanh(0.9), -0.25 * math.tanh(0.7)))


def test_negated_weights_of_the_update_gate_turn_keeping_into_writing() -> None:
    """Outputs and gradients; those of the negated weights are negated."""
    torch.manual_seed(0)
    keeps, writes = GRUResetBefore(3, 5).double(), GRUUpdateWrites(3, 5).double()
    other_name = {name: name.replace("_z", "_u") for name, _ in keeps.named_parameters()}
    with torch.no_grad():
        for name, other in other_name.items():
            sign = -1 if name.endswith("_z") else 1
            writes.get_parameter(other).copy_(sign * keeps.get_parameter(name))
    x, h = torch.randn(4, 3).double(), torch.randn(4, 5).double()
    assert_close(writes.gates(x, (h,)).u, 1 - keeps.gates(x, (h,)).z)
    (kept,), (written,) = keeps(x, (h,)), writes(x, (h,))
    assert_close(written, kept)
    kept.square().sum().backward()
    written.square().sum().backward()
    for name, other in other_name.items():
        sign = -1 if name.endswith("_z") else 1
        ours, theirs = writes.get_parameter(other).grad, keeps.get_parameter(name).grad
        assert ours is not None and theirs is not None
        assert_close(ours, sign * theirs)


@pytest.mark.parametrize(("hidden", "same"), [(1, True), (2, False)])
def test_where_the_reset_stands_matters_from_two_units_on(hidden: int, same: bool) -> None:
    """U (r h) = r (U h) for numbers, not for vectors: one more reason to test with several."""
    torch.manual_seed(0)
    after, before = GRUResetAfter(3, hidden), GRUResetBefore(3, hidden)
    with torch.no_grad():
        after.c_n.zero_()
    before.load_state_dict({name: w for name, w in after.state_dict().items() if name != "c_n"})
    x, h = torch.randn(4, 3), torch.randn(4, hidden)
    (one,), (other,) = after(x, (h,)), before(x, (h,))
    assert torch.allclose(one, other, atol=1e-6) == same
