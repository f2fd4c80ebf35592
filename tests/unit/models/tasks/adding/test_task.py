"""The adding task: its targets, its loss, its score."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from models.networks import Architecture, SequenceNetwork
from models.tasks.adding.task import Adding
from models.tasks.task import Recipe, Sequences, TaskRefused
from models.training import train


def network(hidden: int = 4) -> SequenceNetwork:
    torch.manual_seed(0)
    return SequenceNetwork(Architecture(2, 1, "lstm", hidden))


def gathered(index: int, rounds: int = 60) -> Sequences:
    return Adding(40).gather(index, rounds, network(), np.random.default_rng(0))


def test_the_sum_is_asked_for_at_the_last_timestep_alone() -> None:
    inputs, targets = gathered(0)
    assert targets.shape == (*inputs.shape[:2], 1)
    assert np.isnan(targets[:, :-1]).all()
    np.testing.assert_allclose(targets[:, -1, 0], (inputs[..., 0] * inputs[..., 1]).sum(axis=1))


def test_sequences_grow_from_round_to_round() -> None:
    assert [gathered(index).inputs.shape[1] for index in (0, 12, 30, 58)] == [10, 22, 40, 40]


def test_few_rounds_reach_the_whole_length_too() -> None:
    assert [gathered(index, rounds=4).inputs.shape[1] for index in (0, 2)] == [10, 40]


def test_the_loss_is_the_squared_error_where_an_answer_is_due() -> None:
    outputs = torch.tensor([[[5.0], [1.5]], [[7.0], [0.0]]])
    targets = torch.tensor([[[math.nan], [1.0]], [[math.nan], [2.0]]])
    task = Adding()
    assert float(task.loss(outputs, targets)) == pytest.approx((0.25 + 4) / 2)
    assert float(task.loss(outputs[:, :1], targets[:, :1])) == 0


def test_a_window_without_an_answer_changes_nothing() -> None:
    outputs = torch.ones(2, 3, 1, requires_grad=True)
    torch.autograd.backward(Adding().loss(outputs, torch.full((2, 3, 1), math.nan)))
    assert outputs.grad is not None
    assert not outputs.grad.any()


def test_baselines_are_what_theory_says() -> None:
    scores = Adding(40).baselines()
    for steps in (10, 20, 40, 60):
        measure = f"RMSE at {steps} timesteps"
        assert scores["always 1"][measure] == pytest.approx(math.sqrt(1 / 6), rel=0.1)
        assert scores["second + 0.5"][measure] == pytest.approx(math.sqrt(1 / 12), rel=0.1)
        close = scores["second + 0.5"][f"within 0.04 at {steps} timesteps [%]"]
        assert close == pytest.approx(8, abs=4)


def test_a_little_training_beats_the_memory_of_one_mark() -> None:
    task = Adding(10)
    recipe = Recipe(rounds=1, batches=120, window=None, learning_rate=3e-2)
    learned = task.score(train(task, Architecture(2, 1, "lstm", 16), recipe, 0))
    baselines = task.baselines()
    assert all(score.keys() == learned.keys() for score in baselines.values())
    mine, best = (score[task.headline.measure] for score in (learned, baselines["second + 0.5"]))
    assert mine is not None
    assert best is not None
    assert mine < 0.5 * best


def test_what_is_held_out_is_the_same_each_time_and_never_trained() -> None:
    task = Adding(40)
    np.testing.assert_array_equal(task.sample(8, 40), task.sample(8, 40))
    assert task.sample(8, 256).shape == (8, 256, 2)
    trained, _ = task.gather(98, 99, network(), np.random.default_rng(1_000_000))
    assert not np.isin(task.sample(500, 40)[..., 0], trained[..., 0]).all(axis=1).any()


def test_the_plot_is_of_the_gradient_over_the_whole_length() -> None:
    axes = Figure().subplots()
    Adding(40).draw(network(), axes)
    [line] = axes.lines
    assert len(np.asarray(line.get_ydata())) == 40


def test_too_short_is_refused() -> None:
    with pytest.raises(TaskRefused, match="--length 9 is too short: take 10 or more"):
        Adding(9)
