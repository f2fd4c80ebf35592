"""The buffers of a run: the memory that a graph's tensors are bound to, and views of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.core.model import Array, Signature, Tensors, TensorSpec
from service.runtime.device import Device, DeviceArray
from service.runtime.layout import Place, checked

_SPARSE = 2
"""Times the rows that are asked for, beyond which a run has many more."""


class Buffers:
    """Of one number of rows: where the graph finds what it takes and leaves what it gives.

    Inputs have a place on the host as well; where the device is the host, the same.
    """

    def __init__(
        self,
        signature: Signature,
        found: Sequence[Place],
        block: DeviceArray,
        crossing: Sequence[Place],
        host: Array,
    ) -> None:
        """`found`: places of all tensors in `block`; `crossing`: of inputs in `host`.

        `block`, `host`: uint8, of the device and of the host.
        """
        self._taken = {p.tensor.name: p.of(block) for p in found if not p.tensor.given}
        self._given = {p.tensor.name: p.of(block) for p in found if p.tensor.given}
        self.inputs = [self._taken[spec.name] for spec in signature.inputs]
        self.outputs = [self._given[spec.name] for spec in signature.outputs]
        self.states = [self._taken[state.input.name] for state in signature.states]
        self.new_states = [self._given[state.output] for state in signature.states]
        self.checked = checked(found, block)
        taken = {p.tensor.name: p for p in crossing if not p.tensor.given}
        self.host_inputs = [taken[spec.name].of(host) for spec in signature.inputs]
        self.input_bytes = [
            host[taken[spec.name].start : taken[spec.name].end] for spec in signature.inputs
        ]
        self.binding: Any = None

    def bind(self, binding: Any, device: Device, constants: Mapping[str, DeviceArray]) -> None:
        """`binding`: an IOBinding without inputs and outputs."""
        for name, array in {**self._taken, **constants}.items():
            binding.bind_input(name, *_bound(array, device))
        for name, array in self._given.items():
            binding.bind_output(name, *_bound(array, device))
        self.binding = binding


class Rows:
    """Some rows of buffers that have room for as many or more."""

    def __init__(self, buffers: Buffers, signature: Signature, rows: int) -> None:
        self.count = rows
        self.buffers = buffers
        self.inputs = _first(buffers.host_inputs, signature.inputs, rows)
        self._given = signature.outputs
        self.outputs = _rows_first(buffers.outputs, signature.outputs, rows)
        states = [state.input for state in signature.states]
        self.new_states = _first(buffers.new_states, states, rows)
        self.arrays = [*self.inputs, *_first(buffers.states, states, rows)]
        """What a run of them takes."""
        self._bytes: list[memoryview] = []
        """Where the bytes of each input go, one after another."""
        self._apart: list[tuple[Array, Array]] = []
        """Inputs whose rows are not one after another, and where they go."""
        self._rest: list[tuple[Array, Array]] = []
        """Of each input what is filled with its first row."""
        for spec, raw, array, whole in zip(
            signature.inputs, buffers.input_bytes, self.inputs, buffers.host_inputs, strict=True
        ):
            if spec.batch_axis:
                staged = np.zeros((rows, *spec.shape), spec.dtype)
                self._apart.append((staged, spec.rows_first(array)))
                self._bytes.append(staged.reshape(-1).view(np.uint8).data)
            else:
                self._bytes.append(raw[: rows * spec.nbytes].data)
            by_row = spec.rows_first(whole)
            if len(by_row) > rows:
                self._rest.append((by_row[rows:], by_row[:1]))

    def fill(self, inputs: Sequence[Tensors]) -> None:
        """Raises ValueError if an input has not as many bytes as the rows."""
        for place, data in zip(self._bytes, inputs, strict=True):
            place[:] = data
        for staged, array in self._apart:
            array[...] = staged

    def downloaded(self, whole: Sequence[Array]) -> list[Array]:
        """The rows of outputs that are as the graph has them, [rows, *shape] without gaps.

        A few of many are copied: who keeps them would keep the memory of all, which is
        page-locked.
        """
        first = _rows_first(whole, self._given, self.count)
        return [
            array.copy() if _SPARSE * array.nbytes < room.nbytes else np.ascontiguousarray(array)
            for array, room in zip(first, whole, strict=True)
        ]

    def fill_up(self) -> None:
        """Fills the rows beyond with copies of the first one."""
        for rest, first in self._rest:
            rest[...] = first


def _bound(array: DeviceArray, device: Device) -> tuple[str, int, type, tuple[int, ...], int]:
    """What IOBinding takes after the name."""
    return (*device.binding, array.dtype.type, array.shape, device.pointer(array))


def _first(
    arrays: Sequence[DeviceArray], specs: Sequence[TensorSpec], rows: int
) -> list[DeviceArray]:
    """So many rows of each, as the graph has them."""
    return [
        array[(slice(None),) * spec.batch_axis + (slice(0, rows),)]
        for array, spec in zip(arrays, specs, strict=True)
    ]


def _rows_first(
    arrays: Sequence[DeviceArray], specs: Sequence[TensorSpec], rows: int
) -> list[DeviceArray]:
    found = zip(_first(arrays, specs, rows), specs, strict=True)
    return [spec.rows_first(array) for array, spec in found]
