"""Gymnasium's `Pendulum-v1` as a controller meets it: an angle seen through a noisy sensor.

Knows nothing of torch, so that a client can close the loop around a served network.
"""

from __future__ import annotations

import math
from typing import Any, Protocol, cast

import gymnasium
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

READING = ("cos(angle)", "sin(angle)")
"""What the elements of an observation mean."""
PERIOD = 0.05
"""Seconds a timestep."""
MAX_TORQUE = 2.0
"""N m. Gravity alone pulls with up to 5: the pendulum must be swung up."""
EPISODE_STEPS = 200
"""10 seconds."""
SENSOR_NOISE = 0.03
"""Standard deviation of the angle sensor, rad. The difference of two readings a timestep apart
gives a velocity off by 0.85 rad/s, more than balancing bears: it takes a filter over several."""
UPRIGHT = 0.2
"""Radians from the top within which the pendulum is upright."""
HOLD_STEPS = 60
"""3 seconds: how long it must be upright at the end of an episode to stand."""


class _Pendulum(Protocol):
    """What is used of Gymnasium's environment, which leaves its types out."""

    state: Floats
    """Angle in rad, velocity in rad/s."""

    def reset(self, *, seed: int) -> tuple[Any, Any]: ...
    def step(self, action: Floats) -> tuple[Any, ...]: ...


class PendulumWorld:
    """One pendulum, its sensor and its motor. The same seed gives the same start and noise."""

    def __init__(self, seed: int, *, hanging: bool = False) -> None:
        """Starts at an angle and a velocity drawn from the seed, or `hanging` straight down."""
        self._env = cast(_Pendulum, gymnasium.make("Pendulum-v1").unwrapped)
        self._env.reset(seed=seed)
        if hanging:
            self._env.state = np.array([math.pi, 0.0])
        self._noise = np.random.default_rng((seed, 1))
        self._read_sensor()

    @property
    def angle(self) -> float:
        """Radians from upright, in [-pi, pi); positive is counter-clockwise."""
        return (float(self._env.state[0]) + math.pi) % (2 * math.pi) - math.pi

    @property
    def velocity(self) -> float:
        """Radians a second."""
        return float(self._env.state[1])

    def observe(self) -> npt.NDArray[np.float32]:
        """The timestep's sensor reading, float32 [2]: cosine and sine of the noisy angle."""
        return self._reading

    def step(self, torque: float) -> None:
        """One timestep under a torque, which the motor limits to ±MAX_TORQUE."""
        self._env.step(np.array([torque]))
        self._read_sensor()

    def _read_sensor(self) -> None:
        noisy = self.angle + self._noise.normal(scale=SENSOR_NOISE)
        self._reading = np.array([math.cos(noisy), math.sin(noisy)], np.float32)


def upright_from(angles: Floats) -> int | None:
    """The timestep from which an episode's angles [T] are upright to its end, if there is one."""
    fallen = np.flatnonzero(np.abs(angles) >= UPRIGHT)
    first = int(fallen[-1]) + 1 if fallen.size else 0
    return first if first < len(angles) else None


def stands(angles: Floats) -> bool:
    """Whether an episode's angles [T], in radians, are upright for its last HOLD_STEPS."""
    first = upright_from(angles)
    return first is not None and len(angles) - first >= HOLD_STEPS
