"""The adding problem: of a long sequence two values are marked, and at the end their sum is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.memory import draw, gradient_norms
from models.networks import SequenceNetwork
from models.tasks import curriculum
from models.tasks.adding.data import CLOSE, MARK, READING, VALUE, Episodes, episodes
from models.tasks.seeds import HELD_OUT_SEED
from models.tasks.task import (
    Array,
    Headline,
    Recipe,
    Score,
    Sequences,
    Signal,
    TaskRefused,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float32]

SHORTEST = 10
"""Timesteps that training starts with."""
TRAINING_SEQUENCES = 640
HELD_OUT_SEQUENCES = 500
HELD_OUT = (HELD_OUT_SEED, 1)


class Adding:
    name = "adding"
    inputs = Signal("reading", READING)
    outputs = Signal("sum", ("sum of the marked values, due at the last timestep",))
    recipe = Recipe(rounds=60, batches=40, window=None, learning_rate=1e-2, accumulate=False)

    def __init__(self, length: int = 200) -> None:
        """Trains on up to `length` timesteps; is scored there, below and beyond."""
        if length < SHORTEST:
            raise TaskRefused(f"--length {length} is too short: take {SHORTEST} or more timesteps")
        self._length = length
        self.headline = Headline(_rmse_at(length), "lower")

    def gather(
        self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        steps = curriculum.trained(index, rounds, SHORTEST, self._length, rng)
        inputs, sums = episodes(TRAINING_SEQUENCES, steps, rng)
        targets = np.full((*inputs.shape[:2], 1), np.nan, np.float32)
        targets[:, -1, 0] = sums
        return Sequences(inputs, targets)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error where an answer is due; 0 in a window in which none is."""
        due = ~targets.isnan()
        errors = torch.where(due, outputs - targets, 0.0)
        return errors.square().sum() / due.sum().clamp_min(1)

    def score(self, network: SequenceNetwork) -> Score:
        @torch.no_grad()
        def answered(inputs: Floats) -> Floats:
            answers: Floats = network(torch.from_numpy(inputs))[0][:, -1, 0].numpy()
            return answers

        return self._score(answered)

    def baselines(self) -> Mapping[str, Score]:
        """Answers without any memory, and with that of the second mark alone."""
        return {"always 1": self._score(_always_1), "second + 0.5": self._score(_second_and_half)}

    def sample(self, rows: int, steps: int) -> Array:
        return episodes(rows, steps, np.random.default_rng(HELD_OUT)).inputs

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        draw(axes, {"network": gradient_norms(network, _held_out(self._length).inputs)})

    def _score(self, answered: Callable[[Floats], Floats]) -> Score:
        """Of answers [N] to inputs [N, T, 2]."""
        score: dict[str, float] = {}
        for steps in curriculum.probed(self._length):
            inputs, sums = _held_out(steps)
            errors = np.abs(answered(inputs) - sums)
            score[_rmse_at(steps)] = float(np.sqrt(np.mean(errors**2)))
            score[f"within {CLOSE} at {steps} timesteps [%]"] = 100 * float(np.mean(errors < CLOSE))
        return score


def _rmse_at(steps: int) -> str:
    return f"RMSE at {steps} timesteps"


def _held_out(steps: int) -> Episodes:
    return episodes(HELD_OUT_SEQUENCES, steps, np.random.default_rng(HELD_OUT))


def _always_1(inputs: Floats) -> Floats:
    """The expected sum."""
    return np.ones(len(inputs), np.float32)


def _second_and_half(inputs: Floats) -> Floats:
    """The second marked value, and what is expected of the first."""
    later = inputs[:, inputs.shape[1] // 2 :]
    second: Floats = (later[..., VALUE] * later[..., MARK]).sum(axis=1)
    return second + np.float32(0.5)
