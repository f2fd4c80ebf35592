"""Predicting the next character of a text, from all that came before it.

The recurrent language model of Mikolov et al., "Recurrent neural network based language model",
Interspeech 2010, over characters as in Sutskever, Martens and Hinton, "Generating text with
recurrent neural networks", ICML 2011.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from models.networks import SequenceNetwork
from models.tasks.task import Array, Headline, Recipe, Score, Sequences, Signal
from models.tasks.text.characters import Codes, encoded, vocabulary
from models.tasks.text.corpus import corpus
from models.tasks.text.ngram import NGram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

EXCERPTS = 512
"""Drawn for each round."""
EXCERPT_STEPS = 512
HELD_OUT_ROWS, HELD_OUT_STEPS = 256, 1024
"""The excerpts of the held-out text that are scored, each from an empty context."""
ROWS_AT_ONCE = 32
ORDERS = (2, 3, 4, 5)
BITS = "bits per character"
DRAWN = 64
"""Characters."""
VISIBLE = {"\n": "\u21b5", "\t": "\u21e5", "$": r"\$"}
"""What a plot has instead of a character."""
BOX = "\u25a1"
"""What it has instead of one that its font may lack."""
DRAWABLE = range(0x20, 0x250)
"""Printable code points of Latin scripts."""


class Text:
    name = "text"
    recipe = Recipe(rounds=80, batches=16, window=64, accumulate=False)
    headline = Headline(BITS, "lower")

    def __init__(self, text: str | None = None, characters: int | None = None) -> None:
        """`text`: a file or folder; `characters`: the training text is cut to so many."""
        read = corpus(Path(text) if text else None, characters)
        symbols = vocabulary(read.training)
        self.inputs = Signal("character", ("character",), symbols)
        self.outputs = Signal("log_probability", symbols, kind="log_probabilities")
        self._training = encoded(read.training, symbols)
        self._held_out = encoded(read.held_out, symbols)

    def gather(
        self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        starts = rng.integers(len(self._training) - EXCERPT_STEPS, size=EXCERPTS)
        codes = excerpts(self._training, starts, EXCERPT_STEPS + 1)
        return Sequences(codes[:, :-1, None], codes[:, 1:])

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy in nats, a mean over the timesteps."""
        return nll_loss(outputs.flatten(0, 1), targets.flatten())

    def score(self, network: SequenceNetwork) -> Score:
        rows = self._scored()
        parts = [
            surprise(network, rows[at : at + ROWS_AT_ONCE])
            for at in range(0, len(rows), ROWS_AT_ONCE)
        ]
        return _score(np.concatenate(parts), 4 * network.parameter_count)

    def baselines(self) -> Mapping[str, Score]:
        """They count the whole text that training draws from."""
        rows = self._scored()
        models = {f"{order}-gram": self._ngram(order) for order in ORDERS}
        return {
            name: _score(-np.log2(model.probabilities(rows)), model.bytes)
            for name, model in models.items()
        }

    def sample(self, rows: int, steps: int) -> Array:
        """Held-out text, one excerpt after another."""
        return self._held_out[: rows * steps].reshape(rows, steps, 1)

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        """How much each character of a stretch of held-out text surprises network and N-gram."""
        row = self._scored()[:1]
        rivals = {
            "network": surprise(network, row),
            f"{ORDERS[-1]}-gram": -np.log2(self._ngram(ORDERS[-1]).probabilities(row)),
        }
        for name, bits in rivals.items():
            axes.step(range(DRAWN), bits[0, -DRAWN:], where="mid", label=name)
        names = [self.inputs.symbols[code] for code in row[0, -DRAWN:]]
        axes.set_xticks(range(DRAWN), [drawable(name) for name in names], fontsize=6)
        axes.set(title="surprise, character by character", ylabel="bits")
        axes.legend()

    def _ngram(self, order: int) -> NGram:
        return NGram.of(self._training, len(self.inputs.symbols), order)

    def _scored(self) -> Codes:
        steps = HELD_OUT_STEPS + 1
        last = len(self._held_out) - steps
        rows = min(HELD_OUT_ROWS, len(self._held_out) // steps)
        return excerpts(self._held_out, np.linspace(0, last, rows).astype(np.int64), steps)


def drawable(character: str) -> str:
    """A tick's label."""
    if character in VISIBLE:
        return VISIBLE[character]
    return character if character.isprintable() and ord(character) in DRAWABLE else BOX


def excerpts(codes: Codes, starts: Codes, steps: int) -> Codes:
    """[N, steps] from starts [N]."""
    cut: Codes = codes[starts[:, None] + np.arange(steps)]
    return cut


@torch.no_grad()
def surprise(network: SequenceNetwork, rows: Codes) -> Floats:
    """Bits of each character but the first in rows [R, T], by those before it: [R, T - 1]."""
    outputs, _ = network(torch.from_numpy(rows[:, :-1, None]))
    nats = -outputs.gather(-1, torch.from_numpy(rows[:, 1:, None])).squeeze(-1)
    bits: Floats = nats.double().numpy() / np.log(2)
    return bits


def _score(bits: Floats, memory: int) -> Score:
    return {BITS: float(bits.mean()), "memory [kB]": memory / 1000}
