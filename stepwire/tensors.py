"""NumPy arrays to the bytes of a message and back, by a model's signature."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from stepwire.errors import InvalidInput
from stepwire.v1 import stream_pb2 as pb

Array = npt.NDArray[Any]
Tensors = npt.ArrayLike | Mapping[str, npt.ArrayLike]
"""The inputs of a step: an array where the model has one input, else arrays by name. A symbol is
given as its number, or as itself in a string."""
Outputs = Any
"""The outputs of a step: an array where the model has one output, else arrays by name. Which of
the two is the model's doing, not the type's."""


class Tensor:
    """One input or output of a model, without the batch axis."""

    def __init__(self, spec: pb.TensorSpec) -> None:
        self.name = spec.name
        self.dtype = np.dtype(spec.dtype).newbyteorder("<")
        self.shape = tuple(spec.shape)
        self.features = tuple(spec.features)
        """What each element along the last axis means, with its unit; empty if not said."""
        self.symbols = tuple(spec.symbols)
        """What each whole number stands for, from 0 on; empty if the elements are no symbols."""
        self._numbers = {symbol: number for number, symbol in enumerate(self.symbols)}

    def __repr__(self) -> str:
        return f"{self.name}: {self.dtype.name}{list(self.shape)}"

    def encode(self, value: npt.ArrayLike) -> bytes:
        """Raises InvalidInput. Casts within a kind, as from float64 to float32."""
        array = np.asarray(value)
        if array.dtype.kind == "U" and self.symbols:
            array = self._numbered(array)
        if not np.can_cast(array.dtype, self.dtype, casting="same_kind"):
            raise InvalidInput(f"input {self} does not take {array.dtype.name}")
        if array.shape != self.shape and not (array.ndim == 0 and self.shape == (1,)):
            raise InvalidInput(f"input {self} does not take shape {list(array.shape)}")
        return array.astype(self.dtype, copy=False).tobytes()

    def _numbered(self, names: Array) -> Array:
        try:
            numbers = [self._numbers[name] for name in names.ravel().tolist()]
        except KeyError as error:
            raise InvalidInput(
                f"input {self} knows no symbol {error}, but {len(self.symbols)} others"
            ) from error
        return np.array(numbers).reshape(names.shape)

    def decode(self, data: bytes) -> Array:
        return np.frombuffer(data, self.dtype).reshape(self.shape).copy()


class Signature:
    """What a model takes and gives."""

    def __init__(self, message: pb.Signature) -> None:
        self.inputs = tuple(map(Tensor, message.inputs))
        self.outputs = tuple(map(Tensor, message.outputs))
        self.digest = message.digest

    def encode(self, inputs: Tensors) -> tuple[bytes, ...]:
        """Raises InvalidInput."""
        if not isinstance(inputs, Mapping):
            if len(self.inputs) != 1:
                raise InvalidInput(f"this model takes a dict of {list(self.inputs)}")
            return (self.inputs[0].encode(inputs),)
        if set(inputs) != {tensor.name for tensor in self.inputs}:
            raise InvalidInput(f"this model takes {list(self.inputs)}, not {sorted(inputs)}")
        return tuple(tensor.encode(inputs[tensor.name]) for tensor in self.inputs)

    def decode(self, outputs: Sequence[bytes]) -> Outputs:
        """A bare array where the model has one output, else arrays by name."""
        arrays = [tensor.decode(data) for tensor, data in zip(self.outputs, outputs, strict=True)]
        if len(arrays) == 1:
            return arrays[0]
        return {tensor.name: array for tensor, array in zip(self.outputs, arrays, strict=True)}


def input_bytes(message: pb.Signature) -> int:
    """The elements of one timestep's inputs."""
    return sum(np.dtype(spec.dtype).itemsize * math.prod(spec.shape) for spec in message.inputs)
