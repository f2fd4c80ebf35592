"""Balancing a pendulum from a noisy angle, taught by an expert who sees the true state.

The network first imitates the expert's own episodes. Episodes that the network then steers itself
are relabelled by the expert and added, so that it also learns the way back from its own mistakes:
DAgger, Ross, Gordon and Bagnell, "A reduction of imitation learning and structured prediction to
no-regret online learning", AISTATS 2011.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from models.networks import SequenceNetwork
from models.tasks.pendulum_expert import expert_torque
from models.tasks.pendulum_world import (
    EPISODE_STEPS,
    MAX_TORQUE,
    MODEL_INPUT,
    PERIOD,
    PendulumWorld,
    stands,
    upright_from,
)
from models.tasks.task import Array, Recipe, Score, Sequences, Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Controller = Callable[[Array, Floats, Floats], Floats]
"""Torques [N] for one timestep of N pendulums, from readings [N, 2], angles and velocities [N].
Only the expert may look at the last two."""

FIRST_EPISODES = 128
EPISODES = 32
HELD_OUT_STARTS = 200
HELD_OUT_SEED = 1_000_000  # far from the seeds that training draws
HANGING_SHARE = 8  # one start in so many hangs straight down


class Episodes(NamedTuple):
    """N pendulums, T timesteps: each reading with the state and the torque of that moment."""

    readings: Array  # [N, T, 2]
    angles: Floats  # [N, T]
    velocities: Floats  # [N, T]
    torques: Floats  # [N, T]


class Pendulum:
    name = "pendulum"
    inputs = Signal("observation", MODEL_INPUT)
    outputs = Signal("torque", ("torque [N m]",))
    recipe = Recipe(rounds=20, batches=60)

    def gather(self, index: int, network: SequenceNetwork, rng: np.random.Generator) -> Sequences:
        """Round 0 is the expert's. Then its hand is on the motor half as often each round."""
        episodes = FIRST_EPISODES if index == 0 else EPISODES
        seeds = rng.integers(HELD_OUT_SEED, size=episodes).tolist()
        shared = SharedController(NetworkController(network), 0.5**index, rng)
        episodes = play(worlds(seeds), shared)
        torques = expert_torque(episodes.angles, episodes.velocities)
        return Sequences(episodes.readings, torques[..., None].astype(np.float32))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return mse_loss(outputs, targets)

    def score(self, network: SequenceNetwork) -> Score:
        return _score(NetworkController(network))

    def baselines(self) -> Mapping[str, Score]:
        return {
            "expert (true state)": _score(expert),
            "expert on differences": _score(DifferenceController()),
        }

    def sample(self, rows: int, steps: int) -> Array:
        seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + rows)
        return play(worlds(seeds), expert, steps).readings

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        seconds = np.arange(EPISODE_STEPS) * PERIOD
        for label, controller in (("network", NetworkController(network)), ("expert", expert)):
            angles = play([PendulumWorld(HELD_OUT_SEED, hanging=True)], controller).angles[0]
            axes.plot(seconds, np.abs(angles), label=label)
        axes.set(title="from hanging", xlabel="time [s]", ylabel="|angle from upright| [rad]")
        axes.legend()


def expert(readings: Array, angles: Floats, velocities: Floats) -> Floats:
    return expert_torque(angles, velocities)


class NetworkController:
    """The network in closed loop, its states carried from timestep to timestep."""

    def __init__(self, network: SequenceNetwork) -> None:
        self._network = network
        self._state = None

    @torch.no_grad()
    def __call__(self, readings: Array, angles: Floats, velocities: Floats) -> Floats:
        x = torch.from_numpy(readings)
        state = self._network.initial_state(len(x)) if self._state is None else self._state
        torque, self._state = self._network.step(x, state)
        return torque[:, 0].double().numpy()


class SharedController:
    """A pupil's hand on the motor, and with probability `share` at each timestep the expert's."""

    def __init__(self, pupil: Controller, share: float, rng: np.random.Generator) -> None:
        self._pupil = pupil
        self._share = share
        self._rng = rng

    def __call__(self, readings: Array, angles: Floats, velocities: Floats) -> Floats:
        own = self._pupil(readings, angles, velocities)
        taught = self._rng.random(len(own)) < self._share
        return np.where(taught, expert_torque(angles, velocities), own)


class DifferenceController:
    """The expert fed with the noisy angle, and with the difference of the last two as velocity."""

    def __init__(self) -> None:
        self._last: Floats | None = None

    def __call__(self, readings: Array, angles: Floats, velocities: Floats) -> Floats:
        noisy = np.arctan2(readings[:, 1], readings[:, 0]).astype(np.float64)
        moved = np.zeros_like(noisy) if self._last is None else noisy - self._last
        self._last = noisy
        velocity = ((moved + np.pi) % (2 * np.pi) - np.pi) / PERIOD
        return expert_torque(noisy, velocity)


def worlds(seeds: range | list[int]) -> list[PendulumWorld]:
    return [
        PendulumWorld(seed, hanging=place % HANGING_SHARE == 0) for place, seed in enumerate(seeds)
    ]


def play(
    pendulums: list[PendulumWorld], controller: Controller, steps: int = EPISODE_STEPS
) -> Episodes:
    moments = []
    for _ in range(steps):
        readings = np.stack([world.observe() for world in pendulums])
        angles = np.array([world.angle for world in pendulums])
        velocities = np.array([world.velocity for world in pendulums])
        torques = controller(readings, angles, velocities)
        moments.append((readings, angles, velocities, torques))
        for world, torque in zip(pendulums, torques.tolist(), strict=True):
            world.step(torque)
    return Episodes(*(np.stack(parts, axis=1) for parts in zip(*moments, strict=True)))


def _score(controller: Controller) -> Score:
    seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + HELD_OUT_STARTS)
    episodes = play(worlds(seeds), controller)
    standing = np.array([stands(angles) for angles in episodes.angles])
    hanging = np.arange(HELD_OUT_STARTS) % HANGING_SHARE == 0
    starts = [upright_from(angles) for angles in episodes.angles[standing]]
    after = [
        np.abs(angles[start:]).mean()
        for angles, start in zip(episodes.angles[standing], starts, strict=True)
    ]
    return {
        "stands, % of held-out starts": 100 * float(standing.mean()),
        "stands, % of those hanging down": 100 * float(standing[hanging].mean()),
        "time to upright, s (mean where it stands)": PERIOD * float(np.mean(starts))
        if starts
        else None,
        "|angle| once upright, rad (mean)": float(np.mean(after)) if after else None,
    }
