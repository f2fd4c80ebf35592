"""What is compared: each side advances the same streams by one timestep at a time."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from service.core.model import Array


class Side(Protocol):
    """One way to step the rows of a batch. Inputs come from the host's memory."""

    name: str

    def begin(self, inputs: Array) -> None:
        """So many streams from here on, from the initial state; what each step takes.

        `inputs`: float32[rows, features].
        """

    def step(self) -> None:
        """One timestep of every row. Returns when its outputs are where the side leaves them."""

    def outputs(self) -> Array:
        """Of the last step, float32[rows, hidden]."""

    def bus_bytes(self) -> int:
        """That the last step moved between the host's memory and the device's, both ways."""


def inputs(rows: int, features: int) -> Array:
    """Random, the same rows for every number of them: float32[rows, features]."""
    return np.random.default_rng(0).standard_normal((rows, features), dtype=np.float32)


def scattered(rows: int) -> Array:
    """Each slot below `rows` once, in no order: int64[rows]. Streams that step together rarely
    are neighbours.
    """
    return np.random.default_rng(1).permutation(rows)
