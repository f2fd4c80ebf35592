"""The pendulum task: what it teaches, and how it scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.networks import Architecture, SequenceNetwork
from models.tasks.pendulum import task as pendulum
from models.tasks.pendulum.expert import expert_torque
from models.tasks.pendulum.play import Network, Shared, Unfiltered, expert, play
from models.tasks.pendulum.world import EPISODE_STEPS, SENSOR_NOISE
from models.tasks.seeds import HELD_OUT_SEED


@pytest.fixture
def network() -> SequenceNetwork:
    return SequenceNetwork(Architecture(2, 1, "gru", 4))


def test_the_first_round_is_the_experts_own(network: SequenceNetwork) -> None:
    inputs, targets = pendulum.Pendulum().gather(0, 1, network, np.random.default_rng(0))
    assert inputs.shape == (pendulum.FIRST_EPISODES, EPISODE_STEPS, 2)
    assert targets.shape == (pendulum.FIRST_EPISODES, EPISODE_STEPS, 1)
    upright = np.arctan2(inputs[:, -1, 1], inputs[:, -1, 0])
    assert np.abs(upright).max() < 5 * SENSOR_NOISE
    assert np.abs(targets[:, -1]).max() < 0.05


def test_later_rounds_are_the_networks_with_the_experts_answers(network: SequenceNetwork) -> None:
    inputs, targets = pendulum.Pendulum().gather(30, 31, network, np.random.default_rng(0))
    assert len(inputs) == pendulum.EPISODES
    seeds = np.random.default_rng(0).integers(HELD_OUT_SEED, size=pendulum.EPISODES)
    own = play(seeds.tolist(), Network(network))
    np.testing.assert_array_equal(inputs, own.readings)
    expected = expert_torque(own.angles, own.velocities)
    np.testing.assert_allclose(targets[..., 0], expected, rtol=1e-6)


def test_the_share_decides_whose_hand_is_on_the_motor() -> None:
    rng = np.random.default_rng(1)
    angles, velocities = rng.uniform(-3, 3, 1000), rng.uniform(-8, 8, 1000)
    readings = np.zeros((1000, 2), np.float32)
    taught = expert_torque(angles, velocities)
    shared = Shared(lambda *moment: np.full(1000, 9.0), 0.25, rng)(readings, angles, velocities)
    assert np.mean(shared == taught) == pytest.approx(0.25, abs=0.05)
    assert set(shared[shared != taught]) == {9.0}


def test_the_network_carries_its_state(network: SequenceNetwork) -> None:
    episodes = play([1, 2, 3], Network(network), steps=40)
    with torch.no_grad():
        whole, _ = network(torch.from_numpy(episodes.readings))
    np.testing.assert_allclose(episodes.torques, whole[..., 0], atol=1e-6)


def test_scores_know_good_from_bad() -> None:
    good, bad = pendulum.score(expert, starts=24), pendulum.score(Unfiltered(), starts=24)
    assert good["stands [% of starts]"] == good["stands from hanging down [%]"] == 100
    unfiltered = bad["stands [% of starts]"]
    assert unfiltered is not None
    assert unfiltered < 30


def test_nothing_is_averaged_where_nothing_stands(network: SequenceNetwork) -> None:
    score = pendulum.score(Network(network), starts=8)
    assert score["stands [% of starts]"] == 0
    assert score["time to upright [s]"] is None
    assert score["|angle| once upright [rad]"] is None


def test_samples_are_readings_and_the_same_each_time() -> None:
    task = pendulum.Pendulum()
    sample = task.sample(2, 40)
    assert sample.shape == (2, 40, 2)
    assert sample.dtype == np.float32
    np.testing.assert_array_equal(sample, task.sample(2, 40))
