"""The sine task: its data, its closed loop, its score."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.networks import Architecture, SequenceNetwork
from models.tasks.sine.task import Sine, continued
from models.tasks.sine.wave import NOISE, sines
from models.tasks.task import Recipe
from models.training import train


def test_sines_are_noisy_and_each_its_own() -> None:
    noisy, clean = sines(300, 200, np.random.default_rng(0))
    assert noisy.shape == clean.shape == (300, 200, 1)
    assert noisy.dtype == np.float32
    assert (noisy - clean).std() == pytest.approx(NOISE, rel=0.05)
    spectra = np.abs(np.fft.rfft(clean[..., 0]))[:, 1:].argmax(axis=1) + 1
    assert spectra.min() >= 200 / 40 - 1
    assert spectra.max() <= 200 / 10 + 1
    assert len(set(spectra.tolist())) > 10


def test_the_target_is_the_next_value() -> None:
    network = SequenceNetwork(Architecture(1, 1))
    inputs, targets = Sine().gather(0, 1, network, np.random.default_rng(0))
    np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])


@torch.no_grad()
def test_in_closed_loop_the_network_hears_itself() -> None:
    network = SequenceNetwork(Architecture(1, 1, "lstm", 5))
    heard = sines(3, 20, np.random.default_rng(0))[0]
    ahead = continued(network, heard, 4)
    assert ahead.shape == (3, 4, 1)
    longer = torch.from_numpy(np.concatenate([heard, ahead[:, :-1]], axis=1))
    np.testing.assert_allclose(ahead, network(longer)[0][:, 19:], atol=1e-6)


def test_a_little_training_beats_the_last_value() -> None:
    task = Sine()
    network = train(task, Architecture(1, 1, "gru", 16), Recipe(rounds=1, batches=60), 0)
    mine, baseline = task.score(network), task.baselines()["last value"]
    assert mine.keys() == baseline.keys()
    one_step = [score["one step ahead, RMSE"] or np.nan for score in (mine, baseline)]
    assert one_step[0] < 0.7 * one_step[1]


def test_a_perfect_score_is_the_baseline_zero_on_silence() -> None:
    zero = Sine().baselines()["zero"]
    assert all(value == pytest.approx(np.sqrt(0.5), abs=0.05) for value in zero.values())
