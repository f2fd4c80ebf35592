"""Predicting the next value of a noisy sine whose frequency and phase are not told.

One timestep ahead while the true values come in, and many timesteps ahead where the network must
feed on its own predictions: the state then has to hold frequency and phase.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from models.networks import SequenceNetwork
from models.tasks.seeds import HELD_OUT_SEED
from models.tasks.sine.wave import AHEAD, HEARD, sines
from models.tasks.task import Array, Headline, Recipe, Score, Sequences, Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAINING_SEQUENCES = 512
TRAINING_STEPS = 150

HELD_OUT_SINES = 500

CLOSED_LOOP = f"closed loop, RMSE over {AHEAD} steps"


class Sine:
    name = "sine"
    inputs = Signal("value", ("value",))
    outputs = Signal("next_value", ("value one timestep later",))
    recipe = Recipe(rounds=10, batches=80)
    headline = Headline(CLOSED_LOOP, "lower")

    def gather(
        self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        noisy, _ = sines(TRAINING_SEQUENCES, TRAINING_STEPS + 1, rng)
        return Sequences(noisy[:, :-1], noisy[:, 1:])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return mse_loss(outputs, targets)

    def score(self, network: SequenceNetwork) -> Score:
        noisy, clean = _held_out()
        with torch.no_grad():
            one_step, _ = network(torch.from_numpy(noisy[:, :-1]))
        return _score(one_step.numpy(), continued(network, noisy[:, :HEARD], AHEAD), clean)

    def baselines(self) -> Mapping[str, Score]:
        noisy, clean = _held_out()
        held = np.repeat(noisy[:, HEARD - 1 : HEARD], AHEAD, axis=1)
        silent = np.zeros_like(noisy)
        return {
            "last value": _score(noisy[:, :-1], held, clean),
            "zero": _score(silent[:, :-1], silent[:, :AHEAD], clean),
        }

    def sample(self, rows: int, steps: int) -> Array:
        return sines(rows, steps, np.random.default_rng(HELD_OUT_SEED))[0]

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        noisy, clean = (values[:1] for values in _held_out())
        ahead = continued(network, noisy[:, :HEARD], AHEAD)
        steps = np.arange(HEARD + AHEAD)
        axes.plot(steps[:HEARD], noisy[0, :HEARD, 0], ".", label="heard")
        axes.plot(steps, clean[0, : HEARD + AHEAD, 0], label="sine")
        axes.plot(steps[HEARD:], ahead[0, :, 0], label="fed by itself")
        axes.set(title="closed loop", xlabel="timestep", ylabel="value")
        axes.legend()


@torch.no_grad()
def continued(network: SequenceNetwork, heard: Array, steps: int) -> Array:
    """What follows heard values [N, T, 1]: predictions [N, steps, 1], each fed back as input."""
    outputs, state = network(torch.from_numpy(heard))
    value = outputs[:, -1]
    predictions = [value]
    for _ in range(steps - 1):
        value, state = network.step(value, state)
        predictions.append(value)
    return torch.stack(predictions, dim=1).numpy()


def _held_out() -> tuple[Array, Array]:
    return sines(HELD_OUT_SINES, HEARD + AHEAD, np.random.default_rng(HELD_OUT_SEED))


def _score(one_step: Array, closed_loop: Array, clean: Array) -> Score:
    """Against the sine without its noise, which no predictor is shown."""
    settled = slice(HEARD // 2, None)  # by then every period has been heard once
    return {
        "one step ahead, RMSE": _rmse(one_step[:, settled], clean[:, 1:][:, settled]),
        CLOSED_LOOP: _rmse(closed_loop, clean[:, HEARD:]),
        f"closed loop, RMSE at step {AHEAD}": _rmse(closed_loop[:, -1], clean[:, -1]),
    }


def _rmse(predicted: Array, true: Array) -> float:
    return float(np.sqrt(np.mean((predicted - true) ** 2)))
