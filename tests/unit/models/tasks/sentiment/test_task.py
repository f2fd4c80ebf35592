"""The sentiment task: its sequences, its loss, its score."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.experiment import architecture_for
from models.networks import SequenceNetwork
from models.tasks.sentiment import grammar
from models.tasks.sentiment import task as module
from models.tasks.sentiment.grammar import reviews
from models.tasks.sentiment.task import Sentiment, sequences
from models.tasks.sentiment.vocabulary import SYMBOLS
from models.tasks.task import Recipe
from models.training import train

RIGHT = "right after the last word [%]"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of a thousand reviews do for a test."""
    monkeypatch.setattr(module, "HELD_OUT_REVIEWS", 1000)
    monkeypatch.setattr(module, "TRAINING_REVIEWS", 256)


def untrained() -> SequenceNetwork:
    return SequenceNetwork(architecture_for(Sentiment(), hidden=8))


def test_the_label_is_asked_for_at_every_word_and_not_behind_the_last() -> None:
    made = reviews(20, 0)
    inputs, targets = sequences(made)
    for review, symbols, labels in zip(made, inputs, targets, strict=True):
        length = len(review.words)
        assert tuple(SYMBOLS[symbol] for symbol in symbols[:length, 0]) == review.words
        assert (labels[:length] == review.positive).all()
        assert np.isnan(labels[length:]).all()


def test_rounds_differ_and_are_the_same_for_every_network() -> None:
    task, network = Sentiment(), untrained()
    first = task.gather(0, 1, network, np.random.default_rng(0))
    again = task.gather(0, 1, network, np.random.default_rng(1))
    second = task.gather(1, 2, network, np.random.default_rng(0))
    np.testing.assert_array_equal(first.inputs, again.inputs)
    assert first.inputs[:, :20].tolist() != second.inputs[:, :20].tolist()


def test_the_loss_is_the_cross_entropy_of_the_words_that_are_asked() -> None:
    outputs = torch.tensor([[[0.5], [0.25], [0.9]]])
    targets = torch.tensor([[[1.0], [0.0], [torch.nan]]])
    wanted = -(np.log(0.5) + np.log(0.75)) / 2
    assert float(Sentiment().loss(outputs, targets)) == pytest.approx(wanted)


def test_the_score_counts_what_is_said_after_the_last_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held_out = reviews(60, 5, held_out=True)
    monkeypatch.setattr(module, "_held_out", lambda: held_out)
    network = untrained()
    score = Sentiment().score(network)
    right = []
    for review in held_out:
        with torch.no_grad():
            outputs, _ = network(torch.from_numpy(sequences([review]).inputs))
        right.append((float(outputs[0, -1, 0]) > 0.5) == review.positive)
    assert score[RIGHT] == pytest.approx(100 * np.mean(right))


def test_baselines_are_scored_by_the_same_measures_and_better_than_chance() -> None:
    baselines = Sentiment().baselines()
    assert list(baselines) == ["naive Bayes", "last polar word"]
    for score in baselines.values():
        assert score.keys() == Sentiment().score(untrained()).keys()
        assert 52 < (score[RIGHT] or 0) < 90


def test_a_sample_is_of_symbols() -> None:
    sample = Sentiment().sample(3, 50)
    assert sample.shape == (3, 50, 1) and sample.dtype == np.int64
    assert sample.min() >= 0 and sample.max() < len(SYMBOLS)
    np.testing.assert_array_equal(sample, Sentiment().sample(3, 50))


def test_a_little_training_on_short_reviews_beats_both_baselines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grammar, "DISTRACTORS", (1, 2))
    monkeypatch.setattr(module, "TRAINING_REVIEWS", 2048)
    task = Sentiment()
    recipe = Recipe(rounds=6, batches=64, window=None, learning_rate=1e-2, accumulate=False)
    network = train(task, architecture_for(task, hidden=24, input_layer=16), recipe, 0)
    best = max(score[RIGHT] or 0 for score in task.baselines().values())
    assert (task.score(network)[RIGHT] or 0) > best + 5
