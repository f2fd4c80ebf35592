"""Layers over time: stepped equals whole, and the gates are those that were computed with."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from models.cells import CELLS, Unrolled

FEATURES, HIDDEN, STEPS, ROWS, LAYERS = 3, 5, 12, 4, 2
GATES = {
    "elman": ("h",),
    "gru-reset-after": ("r", "z", "n"),
    "gru-reset-before": ("r", "z", "n"),
    "gru-update-writes": ("r", "u", "n"),
    "lstm-equations": ("f", "i", "g", "o"),
}
BETWEEN_ZERO_AND_ONE = set("rzufio")


def unrolled(name: str) -> Unrolled:
    torch.manual_seed(2)
    return Unrolled(CELLS[name], FEATURES, HIDDEN, LAYERS)


def given_state(name: str) -> tuple[Tensor, ...]:
    return tuple(torch.randn(LAYERS, ROWS, HIDDEN) for _ in CELLS[name].states)


def test_every_cell_is_tested() -> None:
    assert GATES.keys() == CELLS.keys()


@pytest.mark.parametrize("name", CELLS)
def test_stepped_equals_whole(name: str) -> None:
    network, state = unrolled(name), given_state(name)
    z = torch.randn(STEPS, ROWS, FEATURES)
    whole, last = network(z, state)
    for step in range(STEPS):
        h, state = network(z[step : step + 1], state)
        assert_close(h, whole[step : step + 1])
    assert_close(state, last)
    assert_close(last[0][-1], whole[-1])


@pytest.mark.parametrize("name", CELLS)
def test_without_a_state_it_starts_from_zeros(name: str) -> None:
    network, z = unrolled(name), torch.randn(STEPS, ROWS, FEATURES)
    zeros = tuple(torch.zeros(LAYERS, ROWS, HIDDEN) for _ in CELLS[name].states)
    assert_close(network(z), network(z, zeros))
    assert not torch.equal(network(z)[0], network(z, given_state(name))[0])


@pytest.mark.parametrize("name", CELLS)
@given(scale=st.floats(0.01, 100), seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_gates_are_named_as_in_the_equations_and_within_their_ranges(
    name: str, scale: float, seed: int
) -> None:
    network = unrolled(name)
    torch.manual_seed(seed)
    gates = network.gates(scale * torch.randn(STEPS, ROWS, FEATURES), given_state(name))
    assert tuple(gates) == GATES[name]
    for gate, values in gates.items():
        assert values.shape == (LAYERS, STEPS, ROWS, HIDDEN)
        assert values.max() <= 1
        assert values.min() >= (0 if gate in BETWEEN_ZERO_AND_ONE else -1)


@pytest.mark.parametrize("name", CELLS)
def test_the_gates_give_the_hidden_states(name: str) -> None:
    """From the top layer's gates alone, the way of the state can be walked again."""
    network, state = unrolled(name), given_state(name)
    z = torch.randn(STEPS, ROWS, FEATURES)
    whole, last = network(z, state)
    top = {gate: values[-1] for gate, values in network.gates(z, state).items()}
    h, c = state[0][-1], state[-1][-1]
    for step in range(STEPS):
        at = {gate: values[step] for gate, values in top.items()}
        if name == "elman":
            h = at["h"]
        elif name == "gru-update-writes":
            h = at["u"] * at["n"] + (1 - at["u"]) * h
        elif name == "lstm-equations":
            c = at["f"] * c + at["i"] * at["g"]
            h = at["o"] * torch.tanh(c)
        else:
            h = (1 - at["z"]) * at["n"] + at["z"] * h
        assert_close(h, whole[step])
    if name == "lstm-equations":
        assert_close(c, last[1][-1])


@pytest.mark.parametrize("name", CELLS)
def test_weights_start_as_torchs_do(name: str) -> None:
    torch.manual_seed(3)
    for parameter in CELLS[name](64, 64).parameters():
        assert 0.9 / 8 < parameter.abs().max() <= 1 / 8
