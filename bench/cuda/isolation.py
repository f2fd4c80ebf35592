"""Whether a stream gets the same bits whatever number of streams its steps run with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.cuda.sides import inputs
from bench.package import Network
from service.core.model import Array
from service.runtime.stepper import Stepper

TIMESTEPS = 8
COMPARED = 256
"""Streams that are also stepped alone, at most."""


class Differences(NamedTuple):
    """Of the outputs of streams that step together from those of the same streams alone."""

    network: Network
    rows: int
    """That step together."""
    compared: int
    """Streams, each by its outputs at all timesteps."""
    differ: int
    """Of them, those with any bit that is not the same."""
    largest: float
    """Between two numbers that are to be the same."""


def measure(stepper: Stepper, network: Network, sizes: Sequence[int]) -> list[Differences]:
    """At each number of rows; of a stepper that runs them as they come."""
    data = inputs(max(sizes), network.features)
    lone = [_outputs(stepper, data[row : row + 1]) for row in range(min(len(data), COMPARED))]
    alone = np.concatenate(lone, axis=1)
    return [differences(network, rows, _outputs(stepper, data[:rows]), alone) for rows in sizes]


def differences(network: Network, rows: int, together: Array, alone: Array) -> Differences:
    """Of as many streams as both have; each is float32[timesteps, streams, hidden]."""
    common = min(together.shape[1], alone.shape[1])
    mine, theirs = together[:, :common], alone[:, :common]
    differ = (mine.view(np.int32) != theirs.view(np.int32)).any(axis=(0, 2))
    largest = np.abs(mine - theirs).max(initial=0.0)
    return Differences(network, rows, common, int(differ.sum()), float(largest))


def _outputs(stepper: Stepper, data: Array) -> Array:
    """Of some timesteps from the initial state, float32[timesteps, rows, hidden]."""
    slots = np.arange(len(data))
    stepper.reserve(len(slots))
    for slot in slots.tolist():
        stepper.start(slot)
    given = []
    for timestep in range(TIMESTEPS):
        # Each stream gets other inputs at each timestep, and the same ones in every batch.
        (output,) = stepper.step(slots, [(data * (timestep + 1)).tobytes()]).outputs
        given.append(np.array(output))
    return np.array(given)
