"""What a model is to the service: its tensors, its states, and a run it must reproduce."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Tensors = bytes | memoryview
"""The elements of tensors, one after another, little-endian."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor of the step graph, as a single stream sees it."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    """Without the batch axis."""
    batch_axis: int = 0
    features: tuple[str, ...] = ()
    """What each element along the last axis means, with its unit; empty if not said."""
    symbols: tuple[str, ...] = ()
    """What each whole number stands for, from 0 on; empty if any number may come."""

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def batched(self, rows: int) -> tuple[int, ...]:
        """The shape of `rows` streams together, the batch axis in its place."""
        return (*self.shape[: self.batch_axis], rows, *self.shape[self.batch_axis :])

    def rows_first(self, array: Array) -> Array:
        """A view of a batch with the batch axis in front."""
        return np.moveaxis(array, self.batch_axis, 0) if self.batch_axis else array

    def in_place(self, array: Array) -> Array:
        """A view of rows with their axis where the graph has it."""
        return np.moveaxis(array, 0, self.batch_axis) if self.batch_axis else array

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype.name}{list(self.shape)}"


@dataclass(frozen=True, slots=True)
class StateSpec:
    """A hidden state: the graph input that takes it and the graph output that renews it."""

    input: TensorSpec
    output: str
    initial: Array
    """Shape and dtype of `input`."""


@dataclass(frozen=True, slots=True)
class Signature:
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    states: tuple[StateSpec, ...]
    fixed_batch: bool = False
    """The graph takes exactly one row."""
    takes_non_finite: bool = False
    """NaN and Inf are meaningful inputs, such as a mark for a missing reading."""


@dataclass(frozen=True, slots=True)
class GoldenRun:
    """Inputs and expected outputs of one stream from its initial state."""

    inputs: tuple[Array, ...]
    """In signature order, each [T, *shape]."""
    outputs: tuple[Array, ...]
    """In signature order, each [T, *shape]."""
    atol: tuple[float, ...]
    """How far an output may be off, for each in signature order."""

    @property
    def steps(self) -> int:
        return len(self.outputs[0])
