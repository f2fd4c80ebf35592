"""Random timesteps of a model that one knows the signature of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwire.tensors import Array, Signature, Tensor

Timestep = tuple[bytes, ...]
"""The elements of each input, in C order, little-endian."""

_BYTES = 16 * 2**20
_FEWEST, _MOST = 2, 251
_STRIDE = 37
"""Streams are so many timesteps apart in what they are given."""


class Timesteps:
    """The inputs of a load, made when the model has said what it takes."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made: list[Timestep] = []

    def fit(self, signature: Signature) -> None:
        self._made = self._made or random_timesteps(signature.inputs, self._seed)

    def of(self, stream: int, number: int) -> Timestep:
        return self._made[(stream * _STRIDE + number) % len(self._made)]


def random_timesteps(tensors: Sequence[Tensor], seed: int) -> list[Timestep]:
    """Up to 251 timesteps, fewer where they are large; the same for the same seed.

    Floats are normal with mean 0 and deviation 1. Whole numbers are any of the symbols that the
    model declares, else 0 or 1, which every number of symbols has.
    """
    random = np.random.default_rng(seed)
    size = sum(tensor.dtype.itemsize * int(np.prod(tensor.shape)) for tensor in tensors)
    count = min(_MOST, max(_FEWEST, _BYTES // max(1, size)))
    return [tuple(_drawn(tensor, random).tobytes() for tensor in tensors) for _ in range(count)]


def _drawn(tensor: Tensor, random: np.random.Generator) -> Array:
    if tensor.dtype.kind in "iub":
        below = max(2, len(tensor.symbols)) if tensor.dtype.kind != "b" else 2
        return random.integers(below, size=tensor.shape).astype(tensor.dtype)
    return random.standard_normal(tensor.shape).astype(tensor.dtype)
