"""Plain runs: of a function from arrays to arrays, whatever their number of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from service.core.batch import BatchResult, Fault
from service.core.errors import StepFault
from service.core.model import Array, Signature, Tensors, TensorSpec
from service.core.slots import Index, count
from service.runtime.arena import StateRows
from service.runtime.batching import Batching, Taken, WrongShape
from service.runtime.device import CPU, Device
from service.runtime.faults import Faults, refuse_non_finite, refuse_results, refuse_symbols
from service.runtime.loss import raise_if_lost
from service.runtime.telling import line

StepFunction = Callable[[Mapping[str, Array]], Sequence[Array]]
"""Inputs and states of a batch by name → its outputs, then its new states, in signature order."""


class PlainRuns:
    device: Device = CPU

    def __init__(self, function: StepFunction, signature: Signature, batching: Batching) -> None:
        self._function = function
        self._signature = signature
        self._batching = batching
        states = [state.input for state in signature.states]
        self._taken = [*signature.inputs, *states]
        self._given = [*signature.outputs, *states]
        self._names = [
            *(output.name for output in signature.outputs),
            *(state.output for state in signature.states),
        ]

    def warm_up(self, rows: int) -> None:
        """There is nothing to do: nothing is kept from run to run."""

    def take(self, states: StateRows, slots: Index, inputs: Sequence[Tensors]) -> Taken:
        rows = count(slots)
        faults: Faults = {}
        arrays = [
            _decoded(data, spec, rows)
            for data, spec in zip(inputs, self._signature.inputs, strict=True)
        ]
        refuse_symbols(arrays, self._signature, faults)
        refuse_non_finite(arrays, self._signature, faults)
        return Taken(rows, [*arrays, *states.gather(slots)], faults)

    def run(self, taken: Taken) -> BatchResult:
        rows, arrays, faults = taken
        try:
            results = self._run(arrays, rows)
        except Exception as error:  # ONNX Runtime has no common base class
            raise_if_lost(error)
            if rows == 1:
                raise
            results = self._run_apart(arrays, rows, faults)
        refuse_results(results, self._given, faults, CPU)
        specs = self._signature.outputs
        outputs, states = results[: len(specs)], results[len(specs) :]
        first = [spec.rows_first(array) for array, spec in zip(outputs, specs, strict=True)]
        return BatchResult(first, states, faults)

    def _run(self, arrays: Sequence[Array], rows: int) -> list[Array]:
        if self._batching is Batching.ONE and rows > 1:
            lone = [self._call(rows_of(arrays, self._taken, [row]), 1) for row in range(rows)]
            return self._joined(lone)
        if self._batching is Batching.AT_LEAST_TWO and rows == 1:
            doubled = self._call(rows_of(arrays, self._taken, [0, 0]), 2)
            return rows_of(doubled, self._given, [0])
        return self._call(arrays, rows)

    def _run_apart(self, arrays: Sequence[Array], rows: int, faults: Faults) -> list[Array]:
        """Each row by itself, so that one which breaks the run does not break its neighbours'."""
        lone = []
        for row in range(rows):
            try:
                lone.append(self._run(rows_of(arrays, self._taken, [row]), 1))
            except Exception as error:  # ONNX Runtime has no common base class
                raise_if_lost(error)
                faults.setdefault(
                    row, Fault(StepFault.RUN_FAILED, f"the run failed: {line(error)}")
                )
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


def _decoded(data: Tensors, spec: TensorSpec, rows: int) -> Array:
    decoded = spec.in_place(np.frombuffer(data, spec.dtype).reshape(rows, *spec.shape))
    return decoded.copy() if spec.symbols else decoded


def rows_of(arrays: Sequence[Array], specs: Sequence[TensorSpec], rows: list[int]) -> list[Array]:
    return [
        array.take(rows, axis=spec.batch_axis) for array, spec in zip(arrays, specs, strict=True)
    ]
