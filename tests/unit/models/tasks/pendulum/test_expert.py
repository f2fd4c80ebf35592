"""The expert swings up and holds, within the motor's limit."""

from __future__ import annotations

import numpy as np

from models.tasks.pendulum.expert import expert_torque
from models.tasks.pendulum.play import expert, play
from models.tasks.pendulum.world import MAX_TORQUE, stands


def test_the_expert_stands_from_every_start() -> None:
    episodes = play(range(100), expert)  # every eighth hangs straight down
    assert all(stands(angles) for angles in episodes.angles)
    assert np.abs(episodes.angles[:, -1]).max() < 1e-3


def test_the_torque_stays_within_the_motors_limit() -> None:
    angle, velocity = np.meshgrid(np.linspace(-np.pi, np.pi, 101), np.linspace(-8, 8, 101))
    torque = expert_torque(angle, velocity)
    assert np.abs(torque).max() == MAX_TORQUE


def test_it_pumps_where_energy_is_missing_and_brakes_where_there_is_too_much() -> None:
    bottom = np.array([np.pi])
    slow, fast = np.array([3.0]), np.array([7.9])
    assert expert_torque(bottom, slow) > 1
    assert expert_torque(bottom, -slow) < -1
    assert expert_torque(bottom, fast) < 0
    assert expert_torque(bottom, -fast) > 0


def test_it_leaves_the_bottom_from_rest() -> None:
    assert abs(expert_torque(np.array([-np.pi]), np.array([0.0]))[0]) > 0.1
