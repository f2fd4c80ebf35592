"""The measurement of memory, on networks whose gradient is known."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.cores import Cell, State
from models.memory import gradient_norms, memory_length
from models.networks import Architecture, SequenceNetwork

STEPS = 40


class Linear(nn.Module):
    """h_t = w h_{t-1} + z_t, of one unit."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, z: Tensor, state: State | None) -> tuple[Tensor, State]:
        h = torch.zeros_like(z[0])
        past = []
        for now in z:
            h = self.weight * h + now
            past.append(h)
        return torch.stack(past), (h,)


def linear(weight: float, gains: list[float]) -> SequenceNetwork:
    """Outputs are the hidden state times the gains."""
    network = SequenceNetwork(Architecture(1, len(gains), "rnn", hidden=1))
    network.core = Linear(weight)
    with torch.no_grad():
        network.head.weight.copy_(torch.tensor(gains)[:, None])
    return network


def noise(rows: int = 3, features: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(0).normal(size=(rows, STEPS, features)).astype(np.float32)


@pytest.mark.parametrize("weight", [0.5, -0.75, 1.0, 1.5])
def test_the_gradient_of_a_linear_network_is_a_power_of_its_weight(weight: float) -> None:
    norms = gradient_norms(linear(weight, [1.0]), noise())
    assert norms.dtype == np.float64
    np.testing.assert_allclose(norms, abs(weight) ** np.arange(STEPS), rtol=1e-12)


def test_it_is_the_mean_over_outputs_of_norms() -> None:
    norms = gradient_norms(linear(0.5, [3.0, -1.0]), noise())
    np.testing.assert_allclose(norms, 2 * 0.5 ** np.arange(STEPS), rtol=1e-12)


def test_what_fades_does_not_become_zero() -> None:
    norms = gradient_norms(linear(1e-3, [1.0]), noise())
    np.testing.assert_allclose(norms[-1], 1e-117, rtol=1e-5)


def test_units_of_the_inputs_do_not_count() -> None:
    network = SequenceNetwork(Architecture(2, 1, "gru", hidden=4))
    scaled = SequenceNetwork(network.architecture)
    scaled.load_state_dict(network.state_dict())
    inputs, units = noise(features=2), np.array([1000.0, 0.5], np.float32)
    scaled.input_std.copy_(torch.from_numpy(units))
    np.testing.assert_allclose(
        gradient_norms(scaled, inputs * units), gradient_norms(network, inputs), rtol=1e-5
    )


@pytest.mark.parametrize("input_layer", [0, 5])
@pytest.mark.parametrize("symbols", [0, 7])
@pytest.mark.parametrize("cell", get_args(Cell))
def test_every_network_is_measured_and_left_as_it_is(
    cell: Cell, symbols: int, input_layer: int
) -> None:
    network = SequenceNetwork(Architecture(1, 2, cell, 6, 1, input_layer, symbols=symbols))
    inputs = np.random.default_rng(0).integers(symbols, size=(2, STEPS, 1)) if symbols else noise()
    with torch.no_grad():
        norms = gradient_norms(network, inputs)
    assert norms.shape == (STEPS,)
    assert norms[0] > 0
    assert (norms[1:] > 0).all() == (cell != "none")
    assert all(p.grad is None and p.dtype == torch.float32 for p in network.parameters())


def test_a_memoryless_network_has_no_memory() -> None:
    norms = gradient_norms(SequenceNetwork(Architecture(1, 1, "none", 4)), noise())
    assert norms[0] > 0
    assert not norms[1:].any()
    assert memory_length(norms) == 0


@pytest.mark.parametrize(("weight", "share", "length"), [(0.5, 0.01, 6), (0.9, 0.1, 21)])
def test_memory_ends_where_the_norm_falls_below_the_share(
    weight: float, share: float, length: int
) -> None:
    assert memory_length(weight ** np.arange(100.0), share) == length


def test_the_largest_norm_may_be_far_back() -> None:
    assert memory_length(np.array([0.001, 0.5, 0.02, 1.0, 0.02, 0.001])) == 4


def test_memory_that_outlasts_the_measurement_has_no_length() -> None:
    assert memory_length(np.ones(5)) is None
    assert memory_length(1.5 ** np.arange(5.0)) is None


def test_who_feels_nothing_remembers_nothing() -> None:
    assert memory_length(np.zeros(5)) == 0
