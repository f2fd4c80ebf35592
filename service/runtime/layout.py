"""The layout: where the tensors of one run lie in one piece of memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from service.core.model import Signature, TensorSpec
from service.runtime.device import Device, DeviceArray
from service.runtime.faults import checked_inputs

_ALIGNMENT = 64
"""Bytes of a cache line, and of the widest registers."""


class Tensor(NamedTuple):
    """One that the graph takes or gives; `spec` says its dtype and shape."""

    name: str
    spec: TensorSpec
    given: bool
    checked: bool
    """NaN or Inf in it is a fault."""


@dataclass(frozen=True, slots=True)
class Place:
    tensor: Tensor
    start: int
    """In bytes."""
    rows: int

    @property
    def end(self) -> int:
        return self.start + self.rows * self.tensor.spec.nbytes

    def of(self, block: DeviceArray) -> DeviceArray:
        """The tensor in a block of bytes, its batch axis where the graph has it."""
        spec = self.tensor.spec
        return block[self.start : self.end].view(spec.dtype).reshape(spec.batched(self.rows))


def tensors(signature: Signature) -> list[Tensor]:
    """All of a run, in an order in which those that are checked are neighbours if they can be:
    of one dtype together, and first those that leave no gap before an aligned neighbour.
    """
    checked = checked_inputs(signature)
    found = [Tensor(s.input.name, s.input, False, False) for s in signature.states]
    found += [Tensor(spec.name, spec, False, spec in checked) for spec in signature.inputs]
    given = {spec.name: spec for spec in signature.outputs}
    given |= {state.output: state.input for state in signature.states}
    found += [Tensor(name, spec, True, spec.dtype.kind == "f") for name, spec in given.items()]
    return sorted(found, key=_neighbourhood)


def _neighbourhood(tensor: Tensor) -> tuple[str, bool, bool]:
    return tensor.spec.dtype.str, tensor.checked, tensor.spec.nbytes % _ALIGNMENT != 0


def places(tensors: Iterable[Tensor], rows: int) -> list[Place]:
    """One after another, each aligned."""
    found: list[Place] = []
    start = 0
    for tensor in tensors:
        found.append(Place(tensor, start, rows))
        start = -(-found[-1].end // _ALIGNMENT) * _ALIGNMENT
    return found


def size(places: Sequence[Place]) -> int:
    """Bytes."""
    return places[-1].end if places else 0


def checked(places: Sequence[Place], block: DeviceArray) -> list[DeviceArray]:
    """The elements of what is checked, in arrays [elements] without gaps, of one dtype each."""
    runs: list[tuple[np.dtype[Any], int, int]] = []
    for place in places:
        if not place.tensor.checked:
            continue
        dtype = place.tensor.spec.dtype
        if runs and runs[-1][0] == dtype and runs[-1][2] == place.start:
            runs[-1] = (dtype, runs[-1][1], place.end)
        else:
            runs.append((dtype, place.start, place.end))
    return [block[start:end].view(dtype) for dtype, start, end in runs]


def aligned(device: Device, nbytes: int) -> DeviceArray:
    """uint8 [nbytes] on the device."""
    block = device.zeros((nbytes + _ALIGNMENT,), np.dtype(np.uint8))
    first = -device.pointer(block) % _ALIGNMENT
    return block[first : first + nbytes]
