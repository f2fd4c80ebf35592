"""The isolation probe: finds out whether the rows of a batch depend on each other.

A stream's outputs must not depend on which streams share its run, to the last bit. Some
kernels take another path for a lone row, and some graphs mix rows by design.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.core.model import Array, Signature, StateSpec, TensorSpec
from service.runtime.batching import Batching, WrongShape
from service.runtime.plain import StepFunction

_SIZES = (2, 3, 4, 5, 7, 8, 13, 16, 31, 32, 33, 64, 127)
_EXTREMES = (0.0, 1e2, -1e2, 1e4, -1e4, 1e30, -1e30, np.inf, -np.inf, np.nan)
"""What one stream may send beside others whose values are ordinary."""
_CLOSE = {2: 1e-2, 4: 1e-4, 8: 1e-10}
"""How much rows may differ that are close, by the bytes of their numbers: far above what another
order of summing makes of a row, far below what a neighbour does."""
_FEW = 3
"""Rows with an extreme value."""


def probe(
    function: StepFunction,
    signature: Signature,
    inputs: Sequence[Array],
    *,
    crowd: int = 256,
    closely: bool = False,
) -> Batching:
    """Runs `crowd` different rows together, shuffled, in smaller batches, and each alone
    or, if that differs, beside a copy of itself; and together with a few rows of extreme values.

    `inputs`: of the signature, each [T, *shape], repeated as needed. States are random within
    [-1, 1], or initial where they are no floating-point numbers. `closely`: rows may differ in
    their last bits between runs of other sizes, and between places in a run; and a crowd that
    fails where two rows run is no matter of batching: raises what that raises.
    """
    if signature.fixed_batch:
        return Batching.ONE
    rows = _Rows(function, signature, inputs, crowd)
    order = np.random.default_rng(1).permutation(crowd)
    try:
        together = rows.run(np.arange(crowd))
    except Exception:  # ONNX Runtime has no common base class
        if closely and _runs(rows, 2):
            raise
        return Batching.ONE
    moved, unmoved = rows.run(order), _take(together, order)
    anywhere = _equal(moved, unmoved)
    if not anywhere and not (closely and _close(moved, unmoved)):
        return Batching.ONE
    if not all(_undisturbed(rows, together, extreme) for extreme in _EXTREMES):
        return Batching.ONE
    groups = [order[:size] for size in _SIZES if size < crowd]
    lone = range(min(crowd, 64))
    if anywhere and all(_equal(rows.run(group), _take(together, group)) for group in groups):
        for rows_of_one, batching in ((1, Batching.ANY), (2, Batching.AT_LEAST_TWO)):
            few = [np.full(rows_of_one, row) for row in lone]
            if all(_equal(rows.run(group), _take(together, group)) for group in few):
                return batching
    if closely:
        groups += [np.array([row]) for row in lone]
        if all(_close(rows.run(group), _take(together, group)) for group in groups):
            return Batching.CLOSELY
    return Batching.ONE


def _runs(rows: _Rows, number: int) -> bool:
    try:
        rows.run(np.arange(number))
    except Exception:  # ONNX Runtime has no common base class
        return False
    return True


def _undisturbed(rows: _Rows, together: Sequence[Array], extreme: float) -> bool:
    """Whether rows are what they are without neighbours of an extreme value."""
    others = np.arange(_FEW, len(together[0]))
    try:
        beside = rows.run(np.arange(len(together[0])), extreme)
    except Exception:  # the stepper then runs each row by itself
        return True
    return _equal(_take(beside, others), _take(together, others))


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

    def run(self, rows: Array, extreme: float | None = None) -> list[Array]:
        """With `extreme` the first few have that value in all their inputs and states."""
        chosen = [array[rows] for array in self._arrays]
        if extreme is not None:
            for spec, array in zip(self._taken, chosen, strict=True):
                _fill(array[:_FEW], spec, extreme)
        feeds = {
            spec.name: np.ascontiguousarray(spec.in_place(array))
            for spec, array in zip(self._taken, chosen, strict=True)
        }
        results = self._function(feeds)
        for spec, array in zip(self._given, results, strict=True):
            if array.shape != spec.batched(len(rows)):
                raise WrongShape(f"{list(array.shape)} in place of {spec}")
        return [spec.rows_first(array) for array, spec in zip(results, self._given, strict=True)]


def _fill(rows: Array, spec: TensorSpec, extreme: float) -> None:
    """As near to the value as the dtype goes; symbols and truth values have no extremes."""
    if spec.dtype.kind == "f":
        finite, limits = np.isfinite(extreme), np.finfo(spec.dtype)
        rows[:] = np.clip(extreme, float(limits.min), float(limits.max)) if finite else extreme
    elif spec.dtype.kind in "iu" and not spec.symbols and np.isfinite(extreme):
        whole = np.iinfo(spec.dtype)
        rows[:] = min(max(int(extreme), whole.min), whole.max)


def _states(state: StateSpec, crowd: int, random: np.random.Generator) -> Array:
    spec = state.input
    if spec.dtype.kind != "f":
        return np.stack([state.initial] * crowd)
    return random.uniform(-1, 1, (crowd, *spec.shape)).astype(spec.dtype)


def _take(results: Sequence[Array], rows: Array) -> list[Array]:
    return [array[rows] for array in results]


def _equal(some: Sequence[Array], others: Sequence[Array]) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(some, others, strict=True))


def _close(some: Sequence[Array], others: Sequence[Array]) -> bool:
    """Floating-point numbers within a tolerance, relative from 1 on; all others equal."""
    return all(
        np.allclose(a, b, rtol=_CLOSE[a.itemsize], atol=_CLOSE[a.itemsize], equal_nan=True)
        if a.dtype.kind == "f"
        else np.array_equal(a, b)
        for a, b in zip(some, others, strict=True)
    )
