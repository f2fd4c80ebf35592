"""The Morse task: its sequences, its loss, its score."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from models.experiment import architecture_for
from models.networks import SequenceNetwork
from models.tasks.morse import task as module
from models.tasks.morse.code import ALPHABET, BLANK, LABELS, best_path
from models.tasks.morse.keying import keyed, padded
from models.tasks.morse.messages import labels_of
from models.tasks.morse.task import Morse, read
from models.tasks.task import Recipe, Sequences
from models.training import train


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Messages enough for a test."""
    monkeypatch.setattr(module, "HELD_OUT", 40)
    monkeypatch.setattr(module, "TRAINING_MESSAGES", 64)
    module._held_out.cache_clear()
    yield
    module._held_out.cache_clear()


def untrained() -> SequenceNetwork:
    torch.manual_seed(0)
    return SequenceNetwork(architecture_for(Morse(), hidden=8))


@pytest.mark.parametrize(("rounds", "of_rounds"), [(60, (24, 25)), (5, (2, 3))])
def test_the_first_rounds_say_when_and_the_others_only_what(
    rounds: int, of_rounds: tuple[int, int]
) -> None:
    task, network = Morse(), untrained()
    first, last = (
        task.gather(index, rounds, network, np.random.default_rng(0)) for index in of_rounds
    )
    np.testing.assert_array_equal(first.inputs, last.inputs)
    assert first.targets.shape == first.inputs.shape[:2]
    assert last.targets.shape[1] == module.LETTERS[1]
    for aligned, text in zip(first.targets, last.targets, strict=True):
        assert best_path(aligned.tolist()) == "".join(
            ALPHABET[label - 1] for label in text if label
        )


def test_the_aligned_loss_is_cross_entropy_that_weighs_characters_more() -> None:
    outputs = torch.full((1, 3, len(LABELS)), 0.01)
    outputs[0, range(3), [0, 1, 0]] = torch.tensor([0.5, 0.25, 0.75])
    loss = Morse().loss(outputs.log(), torch.tensor([[BLANK, 1, BLANK]]))
    wanted = -(np.log(0.5) + module.CHARACTER_WEIGHT * np.log(0.25) + np.log(0.75))
    assert float(loss) == pytest.approx(wanted, rel=1e-5)


def test_the_loss_sums_over_every_path_of_the_text() -> None:
    torch.manual_seed(0)
    steps, text = 4, "AB"
    outputs = torch.randn(1, steps, len(LABELS)).log_softmax(dim=-1)
    chance = 0.0
    for path in itertools.product([BLANK, 1, 2], repeat=steps):
        if best_path(path) == text:
            chance += float(outputs[0, range(steps), path].sum().exp())
    loss = Morse().loss(outputs, torch.tensor([[1, 2, BLANK]]))
    assert float(loss) == pytest.approx(-np.log(chance) / len(text), rel=1e-5)


def test_the_score_is_edits_for_each_character(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = module._held_out()["words"].texts
    score = module._score(lambda messages: [text[:-1] for text in texts])
    assert score["words, wrong characters [%]"] == pytest.approx(
        100 * len(texts) / sum(map(len, texts))
    )
    assert (score["random letters, wrong characters [%]"] or 0) > 50


def test_the_baselines_read_most_of_what_an_untrained_network_does_not() -> None:
    task = Morse()
    mine = task.score(untrained())
    assert all((wrong or 0) > 80 for wrong in mine.values())
    for score in task.baselines().values():
        assert score.keys() == mine.keys()
        assert all(0 < (wrong or 0) < 40 for wrong in score.values())


def test_a_sample_is_of_messages() -> None:
    sample = Morse().sample(3, 256)
    assert sample.shape == (3, 256, 1) and sample.dtype == np.float32
    assert 0.2 < sample.mean() < 0.6
    np.testing.assert_array_equal(sample, Morse().sample(3, 256))


def test_four_messages_can_be_learned_by_heart() -> None:
    texts = ["E", "T", "A", "N"]

    class Same(Morse):
        def gather(
            self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
        ) -> Sequences:
            keys = np.random.default_rng(0)
            return Sequences(
                padded([keyed(text, keys).loudness for text in texts], keys), labels_of(texts)
            )

    task = Same()
    recipe = Recipe(1, 300, 8, window=None, learning_rate=2e-2, accumulate=False)
    network = train(task, architecture_for(task, hidden=24), recipe, 0)
    heard = task.gather(0, 1, network, np.random.default_rng(1)).inputs[..., 0]
    assert read(network, list(heard)) == texts
