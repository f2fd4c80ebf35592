"""A model's tensors as the protocol has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from service.api.inference.datatypes import datatype
from service.api.inference.shapes import dims
from service.core.model import TensorSpec
from service.lanes.lane import Lane

_FIELDS = {"?": "bool", "b": "int", "h": "int", "i": "int", "l": "int64", "q": "int64"} | {
    "B": "uint", "H": "uint", "I": "uint", "L": "uint64", "Q": "uint64", "f": "fp32", "d": "fp64"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WireTensor:
    place: int
    """In the signature."""
    name: str
    datatype: str
    """Such as FP32."""
    shape: tuple[int, ...]
    """Of one timestep, behind a batch axis of 1."""
    nbytes: int
    dtype: np.dtype[np.generic]
    """Little-endian."""
    field: str | None
    """Of the typed contents; None: it comes as raw bytes only."""

    def __str__(self) -> str:
        return f"{self.name}: {self.datatype}{list(self.shape)}"


class Wire:
    def __init__(self, lane: Lane) -> None:
        self.model = lane.model
        self.version = str(lane.model.version)
        self.inputs = _by_name(lane.signature.inputs)
        self.outputs = _by_name(lane.signature.outputs)
        self.every_output = tuple(self.outputs.values())

    @property
    def expects(self) -> str:
        """The inputs, as people are told them."""
        return ", ".join(map(str, self.inputs.values()))


_wires: WeakKeyDictionary[Lane, Wire] = WeakKeyDictionary()


def wire_of(lane: Lane) -> Wire:
    """Made once for each lane."""
    wire = _wires.get(lane)
    if wire is None:
        wire = _wires[lane] = Wire(lane)
    return wire


def _by_name(specs: Sequence[TensorSpec]) -> dict[str, WireTensor]:
    return {
        spec.name: WireTensor(
            place,
            spec.name,
            datatype(spec.dtype),
            (1, *dims(spec)),
            spec.nbytes,
            spec.dtype.newbyteorder("<"),
            _field(spec.dtype),
        )
        for place, spec in enumerate(specs)
    }


def _field(dtype: np.dtype[np.generic]) -> str | None:
    name = _FIELDS.get(dtype.char)
    return f"{name}_contents" if name else None
