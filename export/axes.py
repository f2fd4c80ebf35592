"""Where the output of a forward over sequences has its sequences and timesteps."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from export.source import ExportRefused
from export.tensors import dtype_of, tensor_of
from service.repository import manifest

ROWS, STEPS = 3, 5
"""Sequences and timesteps of a first call; others differ from it in one of them."""


@dataclass(frozen=True)
class Axes:
    rows: int
    steps: int | None
    """None if the output is of the last timestep alone."""


def axes_of(
    name: str, first: tuple[int, ...], longer: tuple[int, ...], more: tuple[int, ...]
) -> Axes:
    """From the shapes of an output: at first, for more timesteps, and for more sequences."""
    if len(first) == len(longer) == len(more):
        steps = [axis for axis, size in enumerate(first) if longer[axis] != size]
        rows = [axis for axis, size in enumerate(first) if more[axis] != size]
        if len(rows) == 1 and (not steps or [first[axis] for axis in steps] == [STEPS]):
            return Axes(rows[0], steps[0] if steps else None)
    raise ExportRefused(
        f"output {name!r} has shape {list(first)} for {ROWS} sequences of {STEPS} timesteps, "
        f"{list(longer)} for {STEPS + 2} timesteps and {list(more)} for {ROWS + 1} sequences: it "
        "must have one axis of the sequences, and one of the timesteps or, for the last one, none"
    )


def declared(name: str, tensor: Tensor, axes: Axes) -> manifest.Tensor:
    shape = [size for axis, size in enumerate(tensor.shape) if axis not in (axes.rows, axes.steps)]
    before = axes.steps is not None and axes.steps < axes.rows
    return tensor_of(name, dtype_of(tensor), shape, batch_axis=axes.rows - before)
