"""Networks: streamed equals whole, and what a memoryless one of the same size is."""

from __future__ import annotations

import pytest
import torch

from models.cores import Cell
from models.networks import Architecture, NeedsFuture, SequenceNetwork


def network_of(cell: Cell, layers: int = 1, input_layer: int = 0) -> SequenceNetwork:
    torch.manual_seed(1)
    network = SequenceNetwork(Architecture(3, 2, cell, 8, layers, input_layer))
    network.normalise(torch.randn(50, 20, 3) * 4 + 2, torch.randn(50, 20, 2) * 0.1 - 7)
    return network


@pytest.mark.parametrize("input_layer", [0, 5])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn", "none"])
@torch.no_grad()
def test_streamed_equals_whole(cell: Cell, layers: int, input_layer: int) -> None:
    network = network_of(cell, layers, input_layer)
    x = torch.randn(4, 60, 3)
    whole, last = network(x)
    state = network.initial_state(4)
    for step in range(60):
        y, state = network.step(x[:, step], state)
        torch.testing.assert_close(y, whole[:, step], atol=1e-5, rtol=0)
    for streamed, carried in zip(state, last, strict=True):
        torch.testing.assert_close(streamed, carried, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("cell", "states"), [("gru", 1), ("lstm", 2), ("rnn", 1), ("none", 0)])
def test_the_states_are_layers_by_batch_by_hidden(cell: Cell, states: int) -> None:
    network = network_of(cell, layers=2)
    _, state = network(torch.randn(4, 6, 3))
    assert [tuple(part.shape) for part in state] == [(2, 4, 8)] * states
    assert [tuple(part.shape) for part in network.initial_state(4)] == [(2, 4, 8)] * states


def test_the_state_matters_except_to_a_memoryless_network() -> None:
    x, other = torch.randn(1, 10, 3), torch.randn(1, 10, 3)
    other[:, -1] = x[:, -1]
    for cell in ("gru", "lstm", "rnn"):
        network = network_of(cell)
        assert not torch.equal(network(x)[0][:, -1], network(other)[0][:, -1])
    memoryless = network_of("none")
    assert torch.equal(memoryless(x)[0][:, -1], memoryless(other)[0][:, -1])


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_memoryless_network_has_a_grus_size(layers: int) -> None:
    gru, memoryless = network_of("gru", layers), network_of("none", layers)
    assert gru.parameter_count - memoryless.parameter_count == layers * 2 * 8


def test_normalisation_makes_raw_units_of_the_data_the_networks_own() -> None:
    network = SequenceNetwork(Architecture(2, 1, "gru", 4))
    inputs = torch.randn(100, 50, 2) * torch.tensor([3.0, 0.01]) + torch.tensor([100.0, -5.0])
    targets = torch.randn(100, 50, 1) * 20 + 300
    network.normalise(inputs, targets)
    torch.testing.assert_close(network.input_mean, inputs.mean((0, 1)))
    torch.testing.assert_close(network.input_std, inputs.std((0, 1)))
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)
    y, _ = network(inputs)
    torch.testing.assert_close(y, targets.mean().expand_as(y))


def test_a_constant_feature_does_not_divide_by_zero() -> None:
    network = SequenceNetwork(Architecture(1, 1))
    network.normalise(torch.ones(4, 5, 1), torch.ones(4, 5, 1))
    assert network(torch.ones(1, 3, 1))[0].isfinite().all()


def test_a_bidirectional_network_learns_but_has_no_single_timestep() -> None:
    network = SequenceNetwork(Architecture(3, 2, "gru", 8, layers=2, bidirectional=True))
    y, state = network(torch.randn(4, 6, 3))
    y.square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert state[0].shape == (4, 4, 8)
    with pytest.raises(NeedsFuture, match="backward half starts at the last timestep"):
        network.step(torch.randn(4, 3), network.initial_state(4))
