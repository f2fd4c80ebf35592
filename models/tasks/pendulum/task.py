"""Balancing a pendulum from a noisy angle, taught by an expert who sees the true state.

The network first imitates the expert's own episodes. Then it steers, less and less helped, and
the expert says what it would have done: so the network also learns the way back from its own
mistakes. DAgger: Ross, Gordon and Bagnell, "A reduction of imitation learning and structured
prediction to no-regret online learning", AISTATS 2011.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor
from torch.nn.functional import mse_loss

from models.networks import SequenceNetwork
from models.tasks.pendulum.expert import expert_torque
from models.tasks.pendulum.play import (
    HANGING_SHARE,
    Controller,
    Network,
    Shared,
    Unfiltered,
    expert,
    play,
)
from models.tasks.pendulum.world import EPISODE_STEPS, PERIOD, READING, stands, upright_from
from models.tasks.seeds import HELD_OUT_SEED
from models.tasks.task import Array, Headline, Recipe, Score, Sequences, Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIRST_EPISODES = 128
EPISODES = 32  # of each later round
HELD_OUT_STARTS = 200
STANDS = "stands [% of starts]"


class Pendulum:
    """The score is of 10 second episodes from held-out starts, an eighth of them hanging down."""

    name = "pendulum"
    inputs = Signal("observation", READING)
    outputs = Signal("torque", ("torque [N m]",))
    recipe = Recipe(rounds=20, batches=60)
    headline = Headline(STANDS, "higher", ceilings=("expert",))

    def gather(
        self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        """Round 0 is all the expert's; its share of the timesteps halves with every round."""
        starts = FIRST_EPISODES if index == 0 else EPISODES
        seeds = rng.integers(HELD_OUT_SEED, size=starts).tolist()
        episodes = play(seeds, Shared(Network(network), 0.5**index, rng))
        torques = expert_torque(episodes.angles, episodes.velocities)
        return Sequences(episodes.readings, torques[..., None].astype(np.float32))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return mse_loss(outputs, targets)

    def score(self, network: SequenceNetwork) -> Score:
        return score(Network(network))

    def baselines(self) -> Mapping[str, Score]:
        return {"expert": score(expert), "unfiltered": score(Unfiltered())}

    def sample(self, rows: int, steps: int) -> Array:
        return play(range(HELD_OUT_SEED, HELD_OUT_SEED + rows), expert, steps).readings

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        seconds = PERIOD * np.arange(EPISODE_STEPS)
        contestants: dict[str, Controller]
        contestants = {"network": Network(network), "expert": expert, "unfiltered": Unfiltered()}
        for label, controller in contestants.items():
            [angles] = play([HELD_OUT_SEED], controller).angles
            axes.plot(seconds, np.abs(angles), label=label)
        axes.set(title="from hanging", xlabel="time [s]", ylabel="|angle from upright| [rad]")
        axes.legend()


def score(controller: Controller, starts: int = HELD_OUT_STARTS) -> Score:
    """How a controller does from held-out starts; times and angles are means over those it wins."""
    angles = play(range(HELD_OUT_SEED, HELD_OUT_SEED + starts), controller).angles
    standing = np.array([stands(episode) for episode in angles])
    hanging = np.arange(starts) % HANGING_SHARE == 0
    times, errors = [], []
    for episode in angles[standing]:
        first = upright_from(episode)
        assert first is not None  # it stands
        times.append(PERIOD * first)
        errors.append(np.abs(episode[first:]).mean())
    return {
        STANDS: 100 * float(standing.mean()),
        "stands from hanging down [%]": 100 * float(standing[hanging].mean()),
        "time to upright [s]": float(np.mean(times)) if times else None,
        "|angle| once upright [rad]": float(np.mean(errors)) if errors else None,
    }
