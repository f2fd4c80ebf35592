"""The pendulum's world: Gymnasium's dynamics, a sensor that is noisy by seed, who stands."""

from __future__ import annotations

import math

import gymnasium
import numpy as np
import pytest

from models.tasks.pendulum.world import (
    HOLD_STEPS,
    MAX_TORQUE,
    PERIOD,
    SENSOR_NOISE,
    UPRIGHT,
    PendulumWorld,
    stands,
    upright_from,
)


def history(seed: int, *, hanging: bool = False) -> list[tuple[float, float, bytes]]:
    world = PendulumWorld(seed, hanging=hanging)
    moments = []
    for step in range(50):
        moments.append((world.angle, world.velocity, world.observe().tobytes()))
        world.step(math.sin(step))
    return moments


def test_the_seed_fixes_start_and_noise() -> None:
    assert history(3) == history(3)
    assert history(3) != history(4)
    assert history(3, hanging=True) == history(3, hanging=True)


def test_it_moves_as_gymnasiums_pendulum_does() -> None:
    world, reference = PendulumWorld(5), gymnasium.make("Pendulum-v1")
    observation, _ = reference.reset(seed=5)
    for step in range(100):
        seen = [math.cos(world.angle), math.sin(world.angle), world.velocity]
        np.testing.assert_allclose(seen, observation, atol=1e-6)
        torque = 2 * math.sin(0.3 * step)
        world.step(torque)
        observation, *_ = reference.step(np.array([torque], np.float32))


def test_constants_are_gymnasiums() -> None:
    environment = gymnasium.make("Pendulum-v1").unwrapped
    assert vars(environment)["dt"] == PERIOD
    assert vars(environment)["max_torque"] == MAX_TORQUE


def test_the_motor_has_a_limit() -> None:
    weak, strong = PendulumWorld(1), PendulumWorld(1)
    weak.step(MAX_TORQUE)
    strong.step(100 * MAX_TORQUE)
    assert weak.angle == strong.angle


def test_hanging_starts_at_rest_straight_down() -> None:
    world = PendulumWorld(0, hanging=True)
    assert abs(world.angle) == pytest.approx(math.pi)
    assert world.velocity == 0


def test_a_reading_is_the_angle_and_noise_and_stays_for_its_timestep() -> None:
    errors = []
    for seed in range(500):
        world = PendulumWorld(seed)
        reading = world.observe()
        assert reading.dtype == np.float32
        assert reading.shape == (2,)
        assert reading is world.observe()
        wrong = math.atan2(reading[1], reading[0]) - world.angle
        errors.append((wrong + math.pi) % (2 * math.pi) - math.pi)
    assert np.std(errors) == pytest.approx(SENSOR_NOISE, rel=0.15)
    assert abs(np.mean(errors)) < 3 * SENSOR_NOISE / math.sqrt(500)


def test_who_stands() -> None:
    angles = np.zeros(200)
    assert stands(angles)
    assert upright_from(angles) == 0
    angles[: 200 - HOLD_STEPS] = 1.0
    assert stands(angles)
    assert upright_from(angles) == 200 - HOLD_STEPS
    angles[200 - HOLD_STEPS] = -UPRIGHT
    assert not stands(angles)
    angles[-1] = 3.0
    assert upright_from(angles) is None
    assert not stands(angles)
