"""The isolation probe: finds out whether the rows of a batch depend on each other.

A stream's outputs must not depend on which streams share its run, to the last bit. Some
kernels take another path for a lone row, and some graphs mix rows by design.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.core.model import Array, Signature, StateSpec
from service.runtime.graph import StepFunction
from service.runtime.stepper import Batching

_SIZES = (2, 3, 4, 5, 7, 8, 13, 16, 31, 32, 33, 64, 127)


def probe(
    function: StepFunction, signature: Signature, inputs: Sequence[Array], *, crowd: int = 256
) -> Batching:
    """Runs `crowd` different rows together, shuffled, in smaller batches, and each alone
    or, if that differs, beside a copy of itself.

    `inputs`: of the signature, each [T, *shape], repeated as needed. States are random within
    [-1, 1], or initial where they are no floating-point numbers.
    """
    if signature.fixed_batch:
        return Batching.ONE
    rows = _Rows(function, signature, inputs, crowd)
    order = np.random.default_rng(1).permutation(crowd)
    try:
        together = rows.run(np.arange(crowd))
    except Exception:  # ONNX Runtime has no common base class
        return Batching.ONE
    groups = [order, *(order[:size] for size in _SIZES if size < crowd)]
    if not all(_equal(rows.run(group), _take(together, group)) for group in groups):
        return Batching.ONE
    for rows_of_one, batching in ((1, Batching.ANY), (2, Batching.AT_LEAST_TWO)):
        few = [np.full(rows_of_one, row) for row in range(min(crowd, 64))]
        if all(_equal(rows.run(group), _take(together, group)) for group in few):
            return batching
    return Batching.ONE


class _Rows:
    """Runs any of a fixed crowd of rows; results have the rows first."""

    def __init__(
        self, function: StepFunction, signature: Signature, inputs: Sequence[Array], crowd: int
    ) -> None:
        random = np.random.default_rng(0)
        self._function = function
        self._taken = [*signature.inputs, *(state.input for state in signature.states)]
        self._given = [*signature.outputs, *(state.input for state in signature.states)]
        states = [_states(state, crowd, random) for state in signature.states]
        self._arrays = [*(np.resize(a, (crowd, *a.shape[1:])) for a in inputs), *states]

    def run(self, rows: Array) -> list[Array]:
        feeds = {
            spec.name: np.ascontiguousarray(spec.in_place(array[rows]))
            for spec, array in zip(self._taken, self._arrays, strict=True)
        }
        return [
            spec.rows_first(array)
            for array, spec in zip(self._function(feeds), self._given, strict=True)
        ]


def _states(state: StateSpec, crowd: int, random: np.random.Generator) -> Array:
    spec = state.input
    if spec.dtype.kind != "f":
        return np.stack([state.initial] * crowd)
    return random.uniform(-1, 1, (crowd, *spec.shape)).astype(spec.dtype)


def _take(results: Sequence[Array], rows: Array) -> list[Array]:
    return [array[rows] for array in results]


def _equal(some: Sequence[Array], others: Sequence[Array]) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(some, others, strict=True))
