"""Proof that a model file is the network: stepped as the service steps it, against torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.source import ExportRefused, Source
from service.core.errors import ModelRefused
from service.core.model import Array, GoldenRun
from service.repository.manifest import ManifestError, decode
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Batching, Stepper

STEPS = 256
ROWS = 8
GOLDEN_STEPS = 64
ATOL = 1e-5


@dataclass(frozen=True, slots=True)
class Reference:
    """What torch makes of whole sequences."""

    inputs: Sequence[Array]
    """In signature order, each [N, T, *shape]."""
    outputs: Sequence[Array]
    """In signature order, each [N, T, *shape]."""

    @property
    def atol(self) -> tuple[float, ...]:
        """For each output 1e-5, and in proportion if its values are larger than 1."""
        return tuple(ATOL * max(1.0, float(np.abs(output).max())) for output in self.outputs)

    def golden(self) -> GoldenRun:
        """The first sequence's start."""
        return GoldenRun(
            tuple(array[0, :GOLDEN_STEPS] for array in self.inputs),
            tuple(array[0, :GOLDEN_STEPS] for array in self.outputs),
            self.atol,
        )


@dataclass(frozen=True, slots=True)
class Differences:
    """The largest ones, over all sequences and timesteps."""

    from_torch: float
    alone: float
    """Between a stream by itself and the same in a batch."""
    batching: Batching
    rows: int
    """So many sequences were compared."""
    steps: int
    """So many timesteps of each."""


def reference_of(source: Source) -> Reference:
    inputs = source.sample(ROWS, STEPS)
    return Reference(inputs, source.whole(inputs))


def verify(model: bytes, reference: Reference) -> Differences:
    """Loads `model` as the service would, golden run and isolation probe included, and steps it.

    Raises ExportRefused if it does not load or does not give torch's outputs.
    """
    try:
        graph = Graph(model)
        manifest, golden = decode(graph.metadata)
        stepper = proven_stepper(graph, manifest.signature(), golden)
    except (ModelRefused, ManifestError) as error:
        raise ExportRefused(str(error)) from error
    rows = len(reference.inputs[0])
    together = stepped(stepper, reference.inputs, range(rows))
    alone = [
        np.concatenate(outputs)
        for outputs in zip(
            *(stepped(stepper, reference.inputs, [row]) for row in range(rows)), strict=True
        )
    ]
    off = np.maximum(_largest(together, reference.outputs), _largest(alone, reference.outputs))
    for output, difference, atol in zip(manifest.outputs, off, reference.atol, strict=True):
        if not difference <= atol:
            raise ExportRefused(
                f"the graph is not the network: stepped, {output.name!r} is off by "
                f"{difference:.3g}, {atol:.3g} is allowed"
            )
    return Differences(
        from_torch=float(off.max()),
        alone=max(_largest(together, alone)),
        batching=stepper.batching,
        rows=rows,
        steps=reference.inputs[0].shape[1],
    )


def stepped(stepper: Stepper, inputs: Sequence[Array], rows: Sequence[int]) -> list[Array]:
    """The outputs of some of the sequences, each [rows, T, *shape], one timestep after another."""
    slots = np.arange(len(rows))
    stepper.reserve(len(rows))
    for slot in slots.tolist():
        stepper.start(slot)
    chosen = [array[list(rows)] for array in inputs]
    moments = []
    for step in range(inputs[0].shape[1]):
        result = stepper.step(slots, [array[:, step].tobytes() for array in chosen])
        for fault in result.faults.values():
            raise ExportRefused(f"timestep {step} fails: {fault.message}")
        moments.append([output.copy() for output in result.outputs])
    return [np.stack(parts, axis=1) for parts in zip(*moments, strict=True)]


def _largest(some: Sequence[Array], others: Sequence[Array]) -> list[float]:
    """Of each output."""
    return [
        float(np.abs(a.astype(np.float64) - b).max()) for a, b in zip(some, others, strict=True)
    ]
