"""Noisy sines of any frequency and phase. Knows nothing of torch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

SHORTEST_PERIOD, LONGEST_PERIOD = 10.0, 40.0
"""Timesteps."""
NOISE = 0.1
"""Standard deviation around a sine of amplitude 1."""
HEARD = 96
"""Timesteps that are heard before the network goes on by itself."""
AHEAD = 32
"""Timesteps that it goes on for."""


def sines(rows: int, steps: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Noisy and clean sines [rows, steps, 1], each of its own frequency and phase."""
    slowest, fastest = 2 * np.pi / LONGEST_PERIOD, 2 * np.pi / SHORTEST_PERIOD
    frequency = rng.uniform(slowest, fastest, (rows, 1, 1))  # rad a timestep
    phase = rng.uniform(0, 2 * np.pi, (rows, 1, 1))
    clean = np.sin(frequency * np.arange(steps)[:, None] + phase)
    noisy = clean + rng.normal(scale=NOISE, size=clean.shape)
    return noisy.astype(np.float32), clean.astype(np.float32)
