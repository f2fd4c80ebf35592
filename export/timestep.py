"""What the two forms of a user's module have in common: one timestep of it, and the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from export.samples import Sample
from export.source import ExportRefused
from export.tensors import tensor_of
from export.user_code import running
from service.core.model import Array
from service.repository import manifest

LOOK_ROWS, LOOK_STEPS = 2, 256
LOOK_ATOL = 1e-4
"""Rounding makes far less of a difference, another timestep far more."""


@dataclass(frozen=True)
class Timestep:
    step: nn.Module
    """(*inputs, *states) to (*outputs, *new states), all with their batch axis."""
    outputs: tuple[manifest.Tensor, ...]
    states: tuple[manifest.State, ...]
    whole: Callable[[Sequence[Array]], Sequence[Array]]
    """Inputs [N, T, *shape] to outputs [N, T, *shape]."""
    fused: Mapping[str, int] = field(default_factory=dict)


def state(
    name: str, initial: Tensor | None, shape: Sequence[int], dtype: str, batch_axis: int
) -> manifest.State:
    """`initial` [*shape], or None for zeros."""
    array = None if initial is None else initial.detach().numpy()
    return manifest.State(
        input=tensor_of(name, dtype, shape, batch_axis),
        output=f"{name}_next",
        initial=None if array is None or not array.any() else manifest.encode_array(array),
    )


@torch.no_grad()
def stepped(timestep: Timestep, inputs: Sequence[Array]) -> list[Array]:
    """Inputs [N, T, *shape] to outputs [N, T, *shape], in torch, one timestep after another."""
    rows, steps = inputs[0].shape[:2]
    specs = [state.spec() for state in timestep.states]
    states = [
        torch.from_numpy(
            np.ascontiguousarray(
                spec.input.in_place(np.repeat(spec.initial[np.newaxis], rows, axis=0))
            )
        )
        for spec in specs
    ]
    moments = []
    for place in range(steps):
        with running("a single timestep"):
            given = timestep.step(*(torch.from_numpy(x[:, place].copy()) for x in inputs), *states)
        outputs, states = given[: len(timestep.outputs)], given[len(timestep.outputs) :]
        moments.append(
            [
                np.moveaxis(output.numpy(), declared.batch_axis, 0)
                for output, declared in zip(outputs, timestep.outputs, strict=True)
            ]
        )
    return [np.stack(parts, axis=1) for parts in zip(*moments, strict=True)]


AGAIN = (
    "called twice with the same inputs, the module is not the same: {what}. It draws by chance, "
    "as functional.dropout does without training=self.training, or keeps something from one call "
    "to the next"
)
ALONE = (
    "its sequences depend on each other: beside copies of itself, a sequence gives other outputs "
    "than beside others: {what}. Leave out what looks across the batch, such as a mean over it"
)
STEPPED = (
    "stepped, the module is not what it is over a whole sequence: {what}. Something besides its "
    "states looks across time, such as a convolution, attention, a mean over time or a position: "
    "leave it out, or give the module a step that keeps what it needs as a state"
)


def check_same(timestep: Timestep, sample: Sample) -> None:
    """Raises ExportRefused if the module, stepped, is not what it is over a whole sequence."""
    inputs = sample(LOOK_ROWS, LOOK_STEPS)
    whole = timestep.whole(inputs)
    copies = timestep.whole([np.repeat(array[:1], LOOK_ROWS, axis=0) for array in inputs])
    for declared, array, again, step, copy in zip(
        timestep.outputs,
        whole,
        timestep.whole(inputs),
        stepped(timestep, inputs),
        copies,
        strict=True,
    ):
        _agree(declared, again, array, AGAIN)
        _agree(declared, step, array, STEPPED)
        _agree(declared, copy[:1], array[:1], ALONE)


def _agree(declared: manifest.Tensor, some: Array, others: Array, reason: str) -> None:
    """Of an output [N, T, *shape]. Raises ExportRefused with the reason, and where they part."""
    off = np.abs(some.astype(np.float64) - others)
    by_step = off.max(axis=tuple(axis for axis in range(off.ndim) if axis != 1))
    apart = np.flatnonzero(~(by_step <= LOOK_ATOL * max(1.0, float(np.abs(others).max()))))
    if not apart.size:
        return
    if declared.dtype == "float16":
        reason = "{what}: float16 is too coarse for the proof, convert the module by .float()"
    what = f"{declared.name!r} is off by {by_step[apart[0]]:.2g} at timestep {apart[0]}"
    raise ExportRefused(reason.format(what=what))


def finite(arrays: list[Array], names: Sequence[str]) -> list[Array]:
    """The same. Raises ExportRefused if a value is not finite."""
    for name, array in zip(names, arrays, strict=True):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            row, place = np.argwhere(~np.isfinite(array))[0][:2]
            raise ExportRefused(
                f"output {name!r} is not finite: of the sample's sequence {row} at timestep {place}"
            )
    return arrays
