"""Reading Morse code from the loudness of a key, each letter as soon as it is clear.

Connectionist temporal classification: nothing says when a letter begins or ends, and the loss sums
over all ways to lay the text over the timesteps. Graves, Fernández, Gomez and Schmidhuber,
"Connectionist temporal classification: labelling unsegmented sequence data with recurrent neural
networks", ICML 2006. The first rounds do say when: from random weights the sum leads to a network
that guesses each letter before it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import ctc_loss, nll_loss

from models.networks import SequenceNetwork
from models.tasks.morse.code import BLANK, LABELS, SPACE, best_path, edits, grown
from models.tasks.morse.duration import decoded, own_dot
from models.tasks.morse.keying import SPEED, Floats, keyed, padded
from models.tasks.morse.messages import labels_of, random_letters, random_words, timestep_labels_of
from models.tasks.seeds import HELD_OUT_SEED
from models.tasks.task import Array, Headline, Recipe, Score, Sequences, Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAINING_MESSAGES = 512
"""Of each round."""
LETTERS = (2, 6)
"""Characters of a message, at least and at most."""
ALIGNED = 25 / 60
"""Share of the rounds in which the network is told the timestep of each character, before CTC."""
CHARACTER_WEIGHT = 10.0
"""Of a timestep with a character in these rounds; one without has 1."""
HELD_OUT = 300
"""Messages of each kind."""
HELD_OUT_LETTERS = (3, 8)
"""Characters of a message of random letters."""
WRONG = "{}, wrong characters [%]"


class HeldOut(NamedTuple):
    texts: Sequence[str]
    messages: Sequence[Floats]
    """Loudness [T], each of its own length."""


class Morse:
    """The score is the character error rate: edits to the true text for each of its characters."""

    name = "morse"
    inputs = Signal("loudness", ("loudness of the key",))
    outputs = Signal("label", LABELS, kind="log_probabilities")
    headline = Headline(WRONG.format("random letters"), "lower")
    recipe = Recipe(
        rounds=60, batches=50, batch=32, window=None, learning_rate=8e-3, accumulate=False
    )

    def gather(
        self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        texts = [random_letters(*LETTERS, rng) for _ in range(TRAINING_MESSAGES)]
        keys = [keyed(text, rng) for text in texts]
        heard = padded([key.loudness for key in keys], rng)
        if index / rounds >= ALIGNED:
            return Sequences(heard, labels_of(texts))
        known_at = [key.known_at for key in keys]
        return Sequences(heard, timestep_labels_of(texts, known_at, heard.shape[1]))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Nats a character. Targets: a label for each timestep, or a text with blanks behind."""
        batch, steps, _ = outputs.shape
        if targets.shape == (batch, steps):
            return _aligned_loss(outputs, targets)
        lengths = (targets != BLANK).sum(dim=1)
        return ctc_loss(outputs.transpose(0, 1), targets, torch.full((batch,), steps), lengths)

    def score(self, network: SequenceNetwork) -> Score:
        return _score(lambda messages: read(network, messages))

    def baselines(self) -> Mapping[str, Score]:
        """The second hears a message to its end before it reads it."""
        mean = sum(SPEED) / 2
        return {
            "mean speed": _score(lambda messages: [decoded(heard, mean) for heard in messages]),
            "its own speed": _score(
                lambda messages: [decoded(heard, own_dot(heard)) for heard in messages]
            ),
        }

    def sample(self, rows: int, steps: int) -> Array:
        rng = np.random.default_rng(HELD_OUT_SEED)
        messages = [keyed(random_words(8, rng), rng).loudness for _ in range(rows)]
        return padded(messages, rng)[:, :steps]

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        """The loudness of words, and the letters where they are read."""
        heard = _held_out()["words"].messages[0]
        axes.plot(heard, linewidth=0.8)
        before = BLANK
        for timestep, label in enumerate(likeliest(network, heard[None, :, None])[0]):
            if added := grown(before, label):
                axes.text(timestep, 1.5, added.replace(SPACE, "␣"), ha="center")
            before = label
        axes.set(title="read as it is keyed", xlabel="timestep", ylabel=self.inputs.features[0])
        axes.set_ylim(-0.5, 1.7)


def _aligned_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of targets [B, T]."""
    each = nll_loss(outputs.transpose(1, 2), targets, reduction="none")
    characters = targets != BLANK
    weights = torch.where(characters, CHARACTER_WEIGHT, 1.0)
    return (weights * each).sum() / characters.sum()


@torch.no_grad()
def likeliest(network: SequenceNetwork, loudness: Array) -> list[list[int]]:
    """The label of each timestep of loudness [N, T, 1]."""
    outputs, _ = network(torch.from_numpy(loudness))
    labels: list[list[int]] = outputs.argmax(dim=-1).tolist()
    return labels


def read(network: SequenceNetwork, messages: Sequence[Floats]) -> list[str]:
    labels = likeliest(network, padded(messages, np.random.default_rng(HELD_OUT_SEED)))
    return [best_path(path[: len(heard)]) for path, heard in zip(labels, messages, strict=True)]


@cache
def _held_out() -> Mapping[str, HeldOut]:
    rng = np.random.default_rng(HELD_OUT_SEED)
    kinds = {
        "random letters": [random_letters(*HELD_OUT_LETTERS, rng) for _ in range(HELD_OUT)],
        "words": [random_words(2, rng) for _ in range(HELD_OUT)],
    }
    return {
        kind: HeldOut(texts, [keyed(text, rng).loudness for text in texts])
        for kind, texts in kinds.items()
    }


def _score(reader: Callable[[Sequence[Floats]], Sequence[str]]) -> Score:
    """Of what makes texts of messages."""
    scores = {}
    for kind, (texts, messages) in _held_out().items():
        wrong = sum(edits(said, text) for said, text in zip(reader(messages), texts, strict=True))
        scores[WRONG.format(kind)] = 100 * wrong / sum(map(len, texts))
    return scores
