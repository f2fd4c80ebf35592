"""Episodes of the adding problem: many values, two of them marked, their sum asked at the end.

Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997), experiment 4;
here one mark lies in each half, as in Le, Jaitly and Hinton, "A simple way to initialize recurrent
networks of rectified linear units", arXiv:1504.00941 (2015). Knows nothing of torch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

VALUE, MARK = 0, 1
"""The places of an input's elements."""
READING = ("value from 0 to 1", "mark: 1 where the value counts, else 0")
CLOSE = 0.04
"""An answer nearer to the sum is right: the criterion of Hochreiter and Schmidhuber."""


class Episodes(NamedTuple):
    """N episodes of T timesteps."""

    inputs: npt.NDArray[np.float32]
    """[N, T, 2]: value and mark."""
    sums: npt.NDArray[np.float32]
    """[N]: the answers that are due at the last timestep."""


def episodes(rows: int, steps: int, rng: np.random.Generator) -> Episodes:
    """Values uniform in [0, 1), a mark at a uniform timestep of each half; 2 timesteps or more."""
    values = rng.random((rows, steps), np.float32)
    marks = np.zeros_like(values)
    first = rng.integers(steps // 2, size=rows)
    second = rng.integers(steps // 2, steps, size=rows)
    every = np.arange(rows)
    marks[every, first] = marks[every, second] = 1
    return Episodes(np.stack([values, marks], axis=-1), (values * marks).sum(axis=1))
