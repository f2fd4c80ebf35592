"""Networks: streamed equals whole, and what a memoryless one of the same size is."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor

from models.cores import Cell
from models.networks import Architecture, Kind, NeedsFuture, SequenceNetwork


def network_of(cell: Cell, layers: int = 1, input_layer: int = 0) -> SequenceNetwork:
    torch.manual_seed(1)
    network = SequenceNetwork(Architecture(3, 2, cell, 8, layers, input_layer))
    network.normalise(torch.randn(50, 20, 3) * 4 + 2, torch.randn(50, 20, 2) * 0.1 - 7)
    return network


@pytest.mark.parametrize("input_layer", [0, 5])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", get_args(Cell))
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


KINDS: dict[Kind, Callable[[Tensor], Tensor]] = {
    "values": lambda y: y.isfinite().all(),
    "probabilities": lambda y: ((y > 0) & (y < 1)).all(),
    "log_probabilities": lambda y: (y.exp().sum(-1) - 1).abs().max() < 1e-5,
}


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_what_their_kind_says(kind: Kind) -> None:
    network = SequenceNetwork(Architecture(3, 4, kind=kind))
    network.normalise(torch.randn(50, 20, 3), torch.full((50, 20, 4), 7.0))
    y, _ = network(10 * torch.randn(2, 6, 3))
    assert KINDS[kind](y)


@pytest.mark.parametrize("embedding", [0, 5])
def test_streamed_symbols_equal_the_whole_sequence(embedding: int) -> None:
    network = SequenceNetwork(Architecture(1, 2, hidden=8, symbols=6, input_layer=embedding))
    x = torch.randint(6, (4, 30, 1))
    network.normalise(x, torch.randn(4, 30, 2))
    whole, _ = network(x)
    state = network.initial_state(4)
    for step in range(30):
        y, state = network.step(x[:, step], state)
        torch.testing.assert_close(y, whole[:, step], atol=1e-5, rtol=0)


def test_without_an_embedding_each_symbol_has_weights_of_its_own() -> None:
    network = SequenceNetwork(Architecture(1, 1, "rnn", hidden=8, symbols=6))
    encoded = network.input_layer(torch.tensor([[0, 5]]))
    assert torch.equal(encoded, torch.eye(6)[[0, 5]][None])
    assert "input_layer.table" not in network.state_dict()


def test_a_target_that_is_not_asked_for_is_left_out_of_the_measure() -> None:
    network = SequenceNetwork(Architecture(1, 2))
    targets = torch.randn(20, 10, 2) * 3 + 5
    asked = targets.clone()
    targets[:, :4, 0] = torch.nan
    network.normalise(torch.randn(20, 10, 1), targets)
    torch.testing.assert_close(network.output_mean[0], asked[:, 4:, 0].mean())
    torch.testing.assert_close(network.output_std[0], asked[:, 4:, 0].std())
    torch.testing.assert_close(network.output_std[1], asked[..., 1].std())


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_an_initial_state_is_learned_for_every_layer(cell: Cell) -> None:
    network = SequenceNetwork(Architecture(3, 2, cell, 8, layers=2, learned_initial=True))
    x = torch.randn(4, 5, 3)
    network(x)[0].square().mean().backward()
    assert [tuple(start.shape) for start in network.initial] == [(2, 1, 8)] * len(network.initial)
    for start in network.initial:
        assert start.grad is not None and (start.grad.abs().sum(-1) > 0).all()
        torch.nn.init.normal_(start)
    from_learned, _ = network(x)
    given, _ = network(x, network.initial_state(4))
    from_zeros, _ = network(x, tuple(torch.zeros_like(h) for h in network.initial_state(4)))
    assert torch.equal(from_learned, given) and not torch.equal(from_learned, from_zeros)
