"""Whether a film review is positive, judged after each word.

Many to one, read as it comes. The target at every word is the label of the whole review, so that
the network learns the probability of the label given the words so far: target replication of
Lipton, Kale, Elkan and Wetzel, "Learning to diagnose with LSTM recurrent neural networks",
ICLR 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from models.networks import SequenceNetwork
from models.tasks.seeds import HELD_OUT_SEED
from models.tasks.sentiment.baselines import NaiveBayes, last_polar_word
from models.tasks.sentiment.grammar import Place, Review, reviews
from models.tasks.sentiment.vocabulary import NUMBERS, SYMBOLS
from models.tasks.task import Array, Headline, Recipe, Score, Sequences, Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAINING_REVIEWS = 2048
"""Of each round, which is also their seed."""
HELD_OUT_REVIEWS = 4000
RIGHT = "right after the last word [%]"


class Sentiment:
    name = "sentiment"
    inputs = Signal("word", ("word",), symbols=SYMBOLS)
    outputs = Signal("score", ("probability that the review is positive",), kind="probabilities")
    recipe = Recipe(rounds=40, batches=64, window=None, accumulate=False)
    headline = Headline(RIGHT, "higher")

    def gather(
        self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        return sequences(reviews(TRAINING_REVIEWS, index))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy in nats, a mean over the words."""
        words = ~targets.isnan()
        return binary_cross_entropy(outputs[words], targets[words])

    def score(self, network: SequenceNetwork) -> Score:
        held_out = _held_out()
        inputs, targets = sequences(held_out)
        with torch.no_grad():
            outputs, _ = network(torch.from_numpy(inputs))
        last = (~np.isnan(targets[..., 0])).sum(axis=1) - 1
        return _score(held_out, outputs.numpy()[np.arange(len(last)), last, 0] > 0.5)

    def baselines(self) -> Mapping[str, Score]:
        """Naive Bayes learns from the task's own rounds, however few the network was given."""
        rounds = [reviews(TRAINING_REVIEWS, index) for index in range(self.recipe.rounds)]
        judges: dict[str, Callable[[Sequence[str]], bool]] = {
            "naive Bayes": NaiveBayes([review for made in rounds for review in made]),
            "last polar word": last_polar_word,
        }
        held_out = _held_out()
        return {
            name: _score(held_out, np.array([judge(review.words) for review in held_out]))
            for name, judge in judges.items()
        }

    def sample(self, rows: int, steps: int) -> Array:
        """Reviews one after another."""
        words = [word for review in _held_out() for word in review.words][: rows * steps]
        return np.array([NUMBERS[word] for word in words]).reshape(rows, steps, 1)

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        """The score of a review whose first verdict is overturned."""
        review = next(review for review in _held_out() if review.overturned)
        with torch.no_grad():
            outputs, _ = network(torch.from_numpy(sequences([review]).inputs))
        axes.step(range(len(review.words)), outputs[0, :, 0], where="mid")
        axes.axhline(0.5, color="grey", linewidth=0.5)
        axes.set(title="word by word", ylabel=self.outputs.features[0], ylim=(0, 1))
        axes.set_xticks(range(len(review.words)), review.words, rotation=90, fontsize=6)


def sequences(made: Sequence[Review]) -> Sequences:
    """Symbols int64 [N, T, 1] and labels float32 [N, T, 1], NaN behind a review's end."""
    shape = (len(made), max(len(review.words) for review in made), 1)
    inputs, targets = np.zeros(shape, np.int64), np.full(shape, np.nan, np.float32)
    for row, review in enumerate(made):
        length = len(review.words)
        inputs[row, :length, 0] = [NUMBERS[word] for word in review.words]
        targets[row, :length] = review.positive
    return Sequences(inputs, targets)


def _held_out() -> list[Review]:
    return reviews(HELD_OUT_REVIEWS, HELD_OUT_SEED, held_out=True)


def _score(held_out: Sequence[Review], said: Array) -> Score:
    """Of a judge's answers [N], each after the last word."""
    right = said == np.array([review.positive for review in held_out])

    def share(chosen: Callable[[Review], bool]) -> float:
        return 100 * float(right[[chosen(review) for review in held_out]].mean())

    return {
        RIGHT: share(lambda review: True),
        "decided first [%]": share(lambda review: review.place is Place.FIRST),
        "decided last [%]": share(lambda review: review.place is not Place.FIRST),
        "overturned [%]": share(lambda review: review.overturned),
        "decided by an unseen negation [%]": share(lambda review: review.unseen),
    }
