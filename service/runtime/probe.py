"""The isolation probe: finds out whether the rows of a batch depend on each other.

A stream's outputs must not depend on which streams share its run, to the last bit. Some
kernels take another path for a lone row, and some graphs mix rows by design.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.core.model import Array, GoldenRun, Signature, TensorSpec
from service.runtime.graph import StepFunction
from service.runtime.stepper import Batching

_SIZES = (2, 3, 4, 5, 7, 8, 13, 16, 31, 32, 33, 64, 127)


def probe(
    function: StepFunction, signature: Signature, golden: GoldenRun, *, crowd: int = 256
) -> Batching:
    """Runs `crowd` different rows together, shuffled, in smaller batches, and each alone.

    The inputs are those of the golden run, the states random within [-1, 1].
    """
    if signature.fixed_batch:
        return Batching.ONE
    rows = _Rows(function, signature, golden, crowd)
    order = np.random.default_rng(1).permutation(crowd)
    together = rows.run(np.arange(crowd))
    groups = [order, *(order[:size] for size in _SIZES if size < crowd)]
    if not all(_equal(rows.run(group), _take(together, group)) for group in groups):
        return Batching.ONE
    lone = [np.array([row]) for row in range(min(crowd, 64))]
    if not all(_equal(rows.run(group), _take(together, group)) for group in lone):
        return Batching.AT_LEAST_TWO
    return Batching.ANY


class _Rows:
    """Runs any of a fixed crowd of rows; results have the rows first."""

    def __init__(
        self, function: StepFunction, signature: Signature, golden: GoldenRun, crowd: int
    ) -> None:
        random = np.random.default_rng(0)
        self._function = function
        self._taken = [*signature.inputs, *(state.input for state in signature.states)]
        self._given = [*signature.outputs, *(state.input for state in signature.states)]
        inputs = [np.resize(array, (crowd, *array.shape[1:])) for array in golden.inputs]
        self._arrays = [*inputs, *(_states(s.input, crowd, random) for s in signature.states)]

    def run(self, rows: Array) -> list[Array]:
        feeds = {
            spec.name: np.ascontiguousarray(spec.in_place(array[rows]))
            for spec, array in zip(self._taken, self._arrays, strict=True)
        }
        return [
            spec.rows_first(array)
            for array, spec in zip(self._function(feeds), self._given, strict=True)
        ]


def _states(spec: TensorSpec, crowd: int, random: np.random.Generator) -> Array:
    return random.uniform(-1, 1, (crowd, *spec.shape)).astype(spec.dtype)


def _take(results: Sequence[Array], rows: Array) -> list[Array]:
    return [array[rows] for array in results]


def _equal(some: Sequence[Array], others: Sequence[Array]) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(some, others, strict=True))
