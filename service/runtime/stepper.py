"""The stepper: advances the states of some slots by one timestep."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from enum import Enum, auto
from typing import NamedTuple

import numpy as np

from service.core.batch import BatchResult, Fault
from service.core.errors import StepFault
from service.core.model import Array, Signature, Tensors, TensorSpec
from service.core.run_cost import FREE, RunCost
from service.core.slots import Index, as_numbers, count
from service.runtime.arena import Arena
from service.runtime.graph import StepFunction


class Batching(Enum):
    """How many rows a run must have so that no row depends on the others, to the last bit."""

    ANY = auto()
    AT_LEAST_TWO = auto()
    """A lone row runs beside a copy of itself."""
    ONE = auto()
    """Each stream runs by itself."""


class WrongShape(ValueError):
    """A run gave a result that is not what the signature says."""


class Taken(NamedTuple):
    """What a run of some slots needs."""

    rows: int
    arrays: Sequence[Array]
    """The inputs, then the states, as the graph takes them. States may be the arena's own: those
    of a slot that is lent again meanwhile change in the run, and in no other row."""
    faults: dict[int, Fault]
    """Rows that are refused already."""


class Stepper:
    def __init__(
        self,
        function: StepFunction,
        signature: Signature,
        batching: Batching = Batching.ANY,
        cost: RunCost = FREE,
    ) -> None:
        self.signature = signature
        self.cost = cost
        self.batching = batching
        self._function = function
        self._arena = Arena(signature.states)
        states = [state.input for state in signature.states]
        self._taken = [*signature.inputs, *states]
        self._given = [*signature.outputs, *states]
        self._names = [
            *(output.name for output in signature.outputs),
            *(state.output for state in signature.states),
        ]

    def reserve(self, capacity: int) -> None:
        """Makes room for slots below `capacity`."""
        self._arena.reserve(capacity)

    def start(self, slot: int) -> None:
        """Sets the slot to the initial state."""
        self._arena.start(slot)

    def restore(self, slot: int, states: Sequence[bytes]) -> None:
        """Sets the slot to saved states. Raises ValueError if they do not fit."""
        self._arena.restore(slot, states)

    def save(self, slots: Array) -> list[tuple[bytes, ...]]:
        """The states of each of `slots`, int64 [rows], as `restore` takes them."""
        return self._arena.save(slots)

    def step(self, slots: Index, inputs: Sequence[Tensors]) -> BatchResult:
        """Runs one timestep of every slot and keeps the new states.

        `slots`: each once. `inputs`: for each input of the signature,
        the rows' elements one after another. A row with an unknown symbol or a NaN or Inf in
        its inputs, a NaN or Inf in its outputs or its new states, or without which the others
        can run, is a fault, and its states stay as they were. Raises what the runtime raises if
        a single row cannot run.
        """
        result = self.run(self.take(slots, inputs))
        self.keep(slots, result)
        return result

    def take(self, slots: Index, inputs: Sequence[Tensors]) -> Taken:
        """What `step` begins with."""
        rows = count(slots)
        arrays = [
            _decoded(data, spec, rows)
            for data, spec in zip(inputs, self.signature.inputs, strict=True)
        ]
        faults = self._refused(arrays)
        return Taken(rows, [*arrays, *self._arena.gather(slots)], faults)

    def run(self, taken: Taken) -> BatchResult:
        """What `step` does in between, which any thread may do."""
        rows, arrays, faults = taken
        try:
            results = self._run(arrays, rows)
        except Exception:
            if rows == 1:
                raise
            results = self._run_apart(arrays, rows, faults)
        for array, spec in zip(results, self._given, strict=True):
            for row in _non_finite_rows(array, spec):
                message = f"its result is not finite, in {spec.name!r}"
                faults.setdefault(row, Fault(StepFault.RESULT_NOT_FINITE, message))
        specs = self.signature.outputs
        outputs, states = results[: len(specs)], results[len(specs) :]
        first = [spec.rows_first(array) for array, spec in zip(outputs, specs, strict=True)]
        return BatchResult(first, states, faults)

    def keep(self, slots: Index, result: BatchResult, absent: Set[int] = frozenset()) -> None:
        """Replaces the states, except those of faulty and `absent` rows."""
        states = result.states
        if result.faults or absent:
            out = result.faults.keys() | absent
            good = [row for row in range(count(slots)) if row not in out]
            if not good:
                return
            specs = [state.input for state in self.signature.states]
            slots, states = as_numbers(slots)[good], _rows(states, specs, good)
        self._arena.scatter(slots, states)

    def _run(self, arrays: Sequence[Array], rows: int) -> list[Array]:
        if self.batching is Batching.ONE and rows > 1:
            lone = [self._call(_rows(arrays, self._taken, [row]), 1) for row in range(rows)]
            return self._joined(lone)
        if self.batching is Batching.AT_LEAST_TWO and rows == 1:
            doubled = self._call(_rows(arrays, self._taken, [0, 0]), 2)
            return _rows(doubled, self._given, [0])
        return self._call(arrays, rows)

    def _run_apart(
        self, arrays: Sequence[Array], rows: int, faults: dict[int, Fault]
    ) -> list[Array]:
        """Each row by itself, so that one which breaks the run does not break its neighbours'."""
        lone = []
        for row in range(rows):
            try:
                lone.append(self._run(_rows(arrays, self._taken, [row]), 1))
            except Exception as error:  # ONNX Runtime has no common base class
                faults.setdefault(row, Fault(StepFault.RUN_FAILED, f"the run failed: {error}"))
                lone.append([np.zeros(spec.batched(1), spec.dtype) for spec in self._given])
        return self._joined(lone)

    def _joined(self, lone: Sequence[Sequence[Array]]) -> list[Array]:
        return [
            np.concatenate(parts, axis=spec.batch_axis)
            for parts, spec in zip(zip(*lone, strict=True), self._given, strict=True)
        ]

    def _call(self, arrays: Sequence[Array], rows: int) -> list[Array]:
        feeds = {spec.name: array for spec, array in zip(self._taken, arrays, strict=True)}
        results = list(self._function(feeds))
        for name, spec, array in zip(self._names, self._given, results, strict=True):
            if array.shape != spec.batched(rows):  # a graph's branches may differ in shape
                raise WrongShape(
                    f"{name!r} has shape {list(array.shape)} when it runs, its model says "
                    f"{list(spec.batched(rows))}"
                )
        return results

    def _refused(self, inputs: list[Array]) -> dict[int, Fault]:
        """The faults of the inputs. Graphs look symbols up: of those that are none 0 is left."""
        faults: dict[int, Fault] = {}
        for place, spec in enumerate(self.signature.inputs):
            if spec.symbols:
                message = f"input {spec.name!r} has symbols 0 to {len(spec.symbols) - 1}"
                rows = _replace_unknown_symbols(inputs, place, spec)
            elif self.signature.takes_non_finite:
                continue
            else:
                message = f"input {spec.name!r} holds NaN or Inf"
                rows = _non_finite_rows(inputs[place], spec)
            for row in rows:
                faults.setdefault(row, Fault(StepFault.INVALID_INPUT, message))
        return faults


def _replace_unknown_symbols(inputs: list[Array], place: int, spec: TensorSpec) -> list[int]:
    """The rows that have one."""
    known = (inputs[place] >= 0) & (inputs[place] < len(spec.symbols))
    if known.all():
        return []
    inputs[place] = np.where(known, inputs[place], spec.dtype.type(0))
    return _rows_with_false(known, spec)


def _decoded(data: Tensors, spec: TensorSpec, rows: int) -> Array:
    return spec.in_place(np.frombuffer(data, spec.dtype).reshape(rows, *spec.shape))


def _rows(arrays: Sequence[Array], specs: Sequence[TensorSpec], rows: list[int]) -> list[Array]:
    return [
        array.take(rows, axis=spec.batch_axis) for array, spec in zip(arrays, specs, strict=True)
    ]


def _non_finite_rows(array: Array, spec: TensorSpec) -> list[int]:
    if spec.dtype.kind != "f":
        return []
    # One pass of BLAS: NaN and Inf stay in a sum of squares. An overflow does too.
    if array.dtype.itemsize >= 4 and math.isfinite(np.vdot(array, array)):
        return []
    return _rows_with_false(np.isfinite(array), spec)


def _rows_with_false(good: Array, spec: TensorSpec) -> list[int]:
    by_row = spec.rows_first(good).reshape(good.shape[spec.batch_axis], -1)
    return [int(row) for row in np.flatnonzero(~by_row.all(axis=1))]
