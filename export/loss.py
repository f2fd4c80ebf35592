"""What a smaller graph loses of the accuracy of the one it was made of, over a long stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from export.verify import ROWS
from service.core.model import Array

TIMESTEPS = 4096
TINY = 1e-30
"""In the place of the root mean square of an output that should be 0 throughout."""


class Loss(NamedTuple):
    """Of one output, relative to the root mean square of what it should be."""

    output: str
    rms: float
    largest: float
    absolute: float
    """The largest error as it is."""

    def __str__(self) -> str:
        return f"{self.output!r} is off by {self.rms:.2%} RMS, {self.largest:.2%} at most"


def long_stream(sample: Callable[[int, int], Sequence[Array]]) -> list[Array]:
    """One stream of TIMESTEPS timesteps, each input [1, T, *shape].

    The sample's sequences follow each other, the state carried from one to the next; if they do
    not suffice, they come again.
    """
    return [
        np.resize(array.reshape(-1, *array.shape[2:]), (1, TIMESTEPS, *array.shape[2:]))
        for array in sample(ROWS, TIMESTEPS)
    ]


def losses(
    names: Sequence[str], exact: Sequence[Array], coarse: Sequence[Array]
) -> tuple[Loss, ...]:
    """Of each output, all its timesteps taken together."""
    return tuple(map(_loss, names, exact, coarse))


def _loss(name: str, exact: Array, coarse: Array) -> Loss:
    wanted = exact.astype(np.float64)
    error = coarse - wanted
    absolute = float(np.abs(error).max())
    if not absolute:
        return Loss(name, 0.0, 0.0, 0.0)
    scale = float(np.sqrt(np.square(wanted).mean())) or TINY
    return Loss(name, float(np.sqrt(np.square(error).mean())) / scale, absolute / scale, absolute)
