"""Every side computes the same: what differs is where the states are, and what is moved."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from bench.cuda.metered import Metered
from bench.cuda.modules import BareTorch, Torch
from bench.cuda.naive import Naive
from bench.cuda.ours import Ours, proven
from bench.cuda.sides import Side, inputs, scattered
from bench.package import Network, write
from service.core.errors import ModelRefused
from service.core.model import Array
from service.runtime.device import CPU, Device
from tests.unit.bench.cuda.given import GRU, GRU_2, LSTM_2, Apart

ROWS, STEPS = 5, 4


def _outputs(side: Side, data: Array) -> Array:
    """Of some timesteps: [STEPS, rows, hidden]."""
    side.begin(data)
    given = []
    for _ in range(STEPS):
        side.step()
        given.append(np.array(side.outputs()))
    return np.array(given)


def _sides(model: Path, network: Network, device: Device) -> list[Side]:
    metered = Metered(device)
    return [
        Ours(proven(model, metered), metered),
        Torch(model, network, "cpu"),
        BareTorch(model, network, "cpu"),
        Naive(model, metered),
    ]


@pytest.mark.parametrize("network", [GRU, GRU_2, LSTM_2], ids=lambda network: network.name)
def test_all_sides_give_the_same_outputs(network: Network, tmp_path: Path) -> None:
    data = inputs(ROWS, network.features)
    first, *others = (
        _outputs(side, data) for side in _sides(write(tmp_path, network), network, CPU)
    )
    assert np.ptp(first, axis=0).min() > 0  # they remember
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-6)


def test_a_side_that_begins_again_forgets(tmp_path: Path) -> None:
    data = inputs(ROWS, GRU.features)
    for side in _sides(write(tmp_path, GRU), GRU, CPU):
        first = _outputs(side, data)
        np.testing.assert_array_equal(_outputs(side, data), first)
        assert _outputs(side, data[:2]).shape == (STEPS, 2, GRU.hidden)


def test_nothing_crosses_a_bus_where_the_device_is_the_host(tmp_path: Path) -> None:
    for side in _sides(write(tmp_path, GRU), GRU, CPU):
        _outputs(side, inputs(ROWS, GRU.features))
        assert side.bus_bytes() == 0


def test_the_naive_arena_moves_the_states_both_ways(tmp_path: Path) -> None:
    side = Naive(write(tmp_path, LSTM_2), Apart())
    _outputs(side, inputs(ROWS, LSTM_2.features))
    taken_and_given = 4 * LSTM_2.features + LSTM_2.output_bytes
    assert side.bus_bytes() == ROWS * (taken_and_given + 2 * LSTM_2.state_bytes)


def test_stepwire_moves_inputs_and_outputs_and_no_state(tmp_path: Path) -> None:
    device = Metered(Apart())
    side = Ours(proven(write(tmp_path, LSTM_2), device), device)
    _outputs(side, inputs(ROWS, LSTM_2.features))
    taken_and_given = ROWS * (4 * LSTM_2.features + LSTM_2.output_bytes)
    slots = 8 * ROWS
    assert taken_and_given <= side.bus_bytes() <= taken_and_given + 2 * slots


def test_a_naive_arena_on_another_device_is_refused(tmp_path: Path) -> None:
    class Elsewhere(Apart):
        providers = (("CUDAExecutionProvider", {"device_id": "0"}), *Apart.providers)

    with pytest.raises(ModelRefused, match="would not be on apart"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ONNX Runtime's, of a provider that is not there
        Naive(write(tmp_path, GRU), Elsewhere())


def test_the_inputs_of_a_stream_are_the_same_in_every_batch() -> None:
    np.testing.assert_array_equal(inputs(7, 3)[:4], inputs(4, 3))


def test_scattered_slots_are_each_there_once_and_in_no_order() -> None:
    slots = scattered(100)
    assert sorted(slots.tolist()) == list(range(100))
    assert (np.diff(slots) != 1).any()
