"""The copying task: its targets, its loss, its score."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from models.networks import Architecture, SequenceNetwork
from models.tasks.copying.data import LETTERS, SHOWN, SYMBOLS
from models.tasks.copying.task import NOT_DUE, Copying
from models.tasks.task import Recipe, TaskRefused
from models.training import train

LSTM = Architecture(1, len(LETTERS), "lstm", 16, symbols=len(SYMBOLS), kind="log_probabilities")


def network() -> SequenceNetwork:
    torch.manual_seed(0)
    return SequenceNetwork(LSTM)


def test_the_letters_are_asked_for_at_the_end_alone() -> None:
    inputs, targets = Copying(20).gather(0, 1, network(), np.random.default_rng(0))
    assert inputs.shape == (*targets.shape, 1)
    assert (targets[:, :-SHOWN] == NOT_DUE).all()
    np.testing.assert_array_equal(targets[:, -SHOWN:], inputs[:, :SHOWN, 0])


def test_delays_grow_from_round_to_round() -> None:
    rng = np.random.default_rng(0)
    steps = [
        Copying(40).gather(index, 60, network(), rng).inputs.shape[1] for index in (0, 12, 30, 58)
    ]
    assert steps == [10 + SHOWN, 22 + SHOWN, 40 + SHOWN, 40 + SHOWN]


def test_few_rounds_reach_the_longest_delay_too() -> None:
    inputs, _ = Copying(40).gather(2, 4, network(), np.random.default_rng(0))
    assert inputs.shape[1] == 40 + SHOWN


def test_the_loss_is_the_cross_entropy_where_a_letter_is_due() -> None:
    outputs = torch.log_softmax(torch.randn(2, 3, len(LETTERS)), dim=-1)
    targets = torch.tensor([[NOT_DUE, NOT_DUE, 2], [NOT_DUE, NOT_DUE, 7]])
    expected = -(outputs[0, 2, 2] + outputs[1, 2, 7]) / 2
    torch.testing.assert_close(Copying().loss(outputs, targets), expected)
    assert float(Copying().loss(outputs[:, :2], targets[:, :2])) == 0


def test_guessing_is_right_once_in_eight() -> None:
    for share in Copying(20).baselines()["guessing"].values():
        assert share == pytest.approx(12.5, abs=2.5)


def test_a_little_training_beats_guessing() -> None:
    task = Copying(16)
    recipe = Recipe(rounds=1, batches=150, window=None, learning_rate=2e-2)
    learned = task.score(train(task, LSTM, recipe, 0))
    guessed = task.baselines()["guessing"]
    assert learned.keys() == guessed.keys()
    mine, baseline = (score["letters right after 8 timesteps [%]"] for score in (learned, guessed))
    assert mine is not None
    assert baseline is not None
    assert mine > 2 * baseline


@pytest.mark.parametrize("steps", [1, 20, 256])
def test_the_sample_is_an_episode_that_ends_with_its_last_answer(steps: int) -> None:
    sample = Copying().sample(8, steps)
    assert sample.shape == (8, steps, 1)
    assert sample.dtype == np.int64
    np.testing.assert_array_equal(sample, Copying().sample(8, steps))
    if steps >= 2 * SHOWN:
        assert (sample[:, -SHOWN] == SYMBOLS.index("?")).all()


def test_the_plot_is_of_the_gradient_over_the_whole_delay() -> None:
    axes = Figure().subplots()
    Copying(20).draw(network(), axes)
    [line] = axes.lines
    assert len(np.asarray(line.get_ydata())) == 20 + SHOWN


def test_too_short_is_refused() -> None:
    with pytest.raises(TaskRefused, match="--delay 15 is too short: take 16 or more"):
        Copying(15)
