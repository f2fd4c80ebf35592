"""Whole episodes of many pendulums, and who can have a hand on their motors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from models.cores import State
from models.networks import SequenceNetwork
from models.tasks.pendulum.expert import expert_torque
from models.tasks.pendulum.world import EPISODE_STEPS, PERIOD, PendulumWorld
from models.tasks.task import Array

Floats = npt.NDArray[np.float64]

Controller = Callable[[Array, Floats, Floats], Floats]
"""Torques [N] in N m for one timestep, from sensor readings [N, 2], angles [N] in rad and
velocities [N] in rad/s. Only an expert may look at the last two."""

HANGING_SHARE = 8
"""One start in so many hangs straight down."""


class Episodes(NamedTuple):
    """N pendulums, T timesteps: each reading with the state and the torque of its moment."""

    readings: Array  # [N, T, 2]
    angles: Floats  # [N, T], rad
    velocities: Floats  # [N, T], rad/s
    torques: Floats  # [N, T], N m


def play(seeds: Iterable[int], controller: Controller, steps: int = EPISODE_STEPS) -> Episodes:
    """One episode for each seed."""
    worlds = [
        PendulumWorld(seed, hanging=place % HANGING_SHARE == 0) for place, seed in enumerate(seeds)
    ]
    moments = []
    for _ in range(steps):
        readings = np.stack([world.observe() for world in worlds])
        angles = np.array([world.angle for world in worlds])
        velocities = np.array([world.velocity for world in worlds])
        torques = controller(readings, angles, velocities)
        moments.append((readings, angles, velocities, torques))
        for world, torque in zip(worlds, torques.tolist(), strict=True):
            world.step(torque)
    return Episodes(*(np.stack(parts, axis=1) for parts in zip(*moments, strict=True)))


def expert(readings: Array, angles: Floats, velocities: Floats) -> Floats:
    """Controls from the true state."""
    return expert_torque(angles, velocities)


class Unfiltered:
    """The expert on sensor readings: the last angle, and its difference from the one before."""

    def __init__(self) -> None:
        self._last: Floats | None = None

    def __call__(self, readings: Array, angles: Floats, velocities: Floats) -> Floats:
        measured = np.arctan2(readings[:, 1], readings[:, 0]).astype(np.float64)
        moved = np.zeros_like(measured) if self._last is None else measured - self._last
        self._last = measured
        shortest = (moved + np.pi) % (2 * np.pi) - np.pi
        return expert_torque(measured, shortest / PERIOD)


class Network:
    """A network in closed loop, its state carried from timestep to timestep."""

    def __init__(self, network: SequenceNetwork) -> None:
        self._network = network
        self._state: State | None = None

    @torch.no_grad()
    def __call__(self, readings: Array, angles: Floats, velocities: Floats) -> Floats:
        x = torch.from_numpy(readings)
        state = self._network.initial_state(len(x)) if self._state is None else self._state
        torque, self._state = self._network.step(x, state)
        return torque[:, 0].double().numpy()


class Shared:
    """A pupil's hand on each motor, and with probability `share` at a timestep the expert's."""

    def __init__(self, pupil: Controller, share: float, rng: np.random.Generator) -> None:
        self._pupil = pupil
        self._share = share
        self._rng = rng

    def __call__(self, readings: Array, angles: Floats, velocities: Floats) -> Floats:
        own = self._pupil(readings, angles, velocities)
        taught = self._rng.random(len(own)) < self._share
        return np.where(taught, expert_torque(angles, velocities), own)
