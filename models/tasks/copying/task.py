"""Delayed copy: letters are shown, then blanks, and at a cue they are to be repeated in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from models.memory import draw, gradient_norms
from models.networks import SequenceNetwork
from models.tasks import curriculum
from models.tasks.copying.data import LETTERS, SHOWN, SYMBOLS, Episodes, episodes
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

Symbols = npt.NDArray[np.int64]

SHORTEST = 10
"""Timesteps of delay that training starts with."""
SHORTEST_LONGEST = 4 * SHOWN
"""Timesteps of delay whose quarter still holds all that is shown."""
NOT_DUE = -1
"""The target of a timestep at which no letter is asked for."""
TRAINING_SEQUENCES = 640
HELD_OUT_SEQUENCES = 500
HELD_OUT = (HELD_OUT_SEED, 1)
GUESSING = (HELD_OUT_SEED, 2)


class Copying:
    name = "copying"
    inputs = Signal("symbol", ("symbol",), symbols=SYMBOLS)
    outputs = Signal("letter", LETTERS, kind="log_probabilities")
    recipe = Recipe(rounds=60, batches=60, window=None, learning_rate=1e-2, accumulate=False)

    def __init__(self, delay: int = 60) -> None:
        """Trains on delays of up to `delay` timesteps; is scored there, below and beyond."""
        if delay < SHORTEST_LONGEST:
            raise TaskRefused(
                f"--delay {delay} is too short: take {SHORTEST_LONGEST} or more timesteps"
            )
        self._delay = delay
        self.headline = Headline(_right_after(delay), "higher")

    def gather(
        self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        delay = curriculum.trained(index, rounds, SHORTEST, self._delay, rng)
        symbols, letters = episodes(TRAINING_SEQUENCES, delay, rng)
        targets = np.full_like(symbols, NOT_DUE)
        targets[:, -SHOWN:] = letters
        return Sequences(symbols[..., None], targets)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy in nats where a letter is due; 0 in a window in which none is."""
        surprise = nll_loss(
            outputs.flatten(0, 1), targets.flatten(), ignore_index=NOT_DUE, reduction="sum"
        )
        return surprise / (targets != NOT_DUE).sum().clamp_min(1)

    def score(self, network: SequenceNetwork) -> Score:
        @torch.no_grad()
        def answered(episodes: Episodes) -> Symbols:
            outputs, _ = network(torch.from_numpy(episodes.symbols[..., None]))
            likeliest: Symbols = outputs[:, -SHOWN:].argmax(dim=-1).numpy()
            return likeliest

        return self._score(answered)

    def baselines(self) -> Mapping[str, Score]:
        rng = np.random.default_rng(GUESSING)
        guessed = rng.integers(len(LETTERS), size=(HELD_OUT_SEQUENCES, SHOWN))
        return {"guessing": self._score(lambda episodes: guessed)}

    def sample(self, rows: int, steps: int) -> Array:
        delay = max(steps - SHOWN, SHOWN)
        made = episodes(rows, delay, np.random.default_rng(HELD_OUT))
        return made.symbols[:, :steps, None]

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        symbols = _held_out(self._delay).symbols[..., None]
        draw(axes, {"network": gradient_norms(network, symbols)})

    def _score(self, answered: Callable[[Episodes], Symbols]) -> Score:
        """Of answers [N, SHOWN] to episodes."""
        return {
            _right_after(delay): 100 * float(np.mean(answered(held_out) == held_out.letters))
            for delay in curriculum.probed(self._delay)
            for held_out in [_held_out(delay)]
        }


def _right_after(delay: int) -> str:
    return f"letters right after {delay} timesteps [%]"


def _held_out(delay: int) -> Episodes:
    return episodes(HELD_OUT_SEQUENCES, delay, np.random.default_rng(HELD_OUT))
