"""Episodes made up for tests."""

from __future__ import annotations

import numpy as np

from demo.pendulum.loop import Floats, Record


def risen(timesteps: int = 200, first_upright: int = 50, error: float = 0.125) -> Record:
    """Hangs, and is `error` off the top from a timestep on."""
    angles = np.where(np.arange(timesteps) < first_upright, 3.0, -error)
    return record(angles)


def hanging(timesteps: int = 200) -> Record:
    """Never moves."""
    return record(np.full(timesteps, 3.0))


def record(angles: Floats) -> Record:
    """With round trips of 1, 2, 3 ms and so on, the last of them late."""
    timesteps = len(angles)
    late = np.arange(timesteps) == timesteps - 1
    return Record(angles, np.sin(angles), np.arange(1, timesteps + 1) / 1e3, late)
