"""The manifest: what a model file says of itself in its ONNX `metadata_props`.

Two entries hold JSON: `stepwire` describes the tensors, the states and the training,
`stepwire.golden` carries the golden run. Arrays are base64 of little-endian bytes in C
order; their shapes follow from the signature.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.core.model import Array, GoldenRun, Signature, StateSpec, TensorSpec

MANIFEST_KEY = "stepwire"
GOLDEN_KEY = "stepwire.golden"

DTYPES = ("float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")


class ManifestError(ValueError):
    """The model file does not say what the service must know; the message says what is wrong."""


def _known(dtype: str) -> str:
    if dtype not in DTYPES:
        raise ValueError(f"{dtype!r} is not one of {', '.join(DTYPES)}")
    return dtype


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tensor(_Part):
    """A graph input or output. `shape` and `features` leave the batch axis out."""

    name: str
    dtype: Annotated[str, AfterValidator(_known)] = "float32"
    shape: tuple[Annotated[int, Field(gt=0)], ...]
    batch_axis: Annotated[int, Field(ge=0)] = 0
    features: tuple[str, ...] = ()
    """What each element along the last axis means, with its unit; empty if not said."""
    symbols: tuple[str, ...] = ()
    """What each whole number stands for, from 0 on; other numbers are then refused."""

    @model_validator(mode="after")
    def _fits(self) -> Tensor:
        if self.batch_axis > len(self.shape):
            raise ValueError(f"batch axis {self.batch_axis} lies beyond shape {list(self.shape)}")
        if self.features and (not self.shape or len(self.features) != self.shape[-1]):
            raise ValueError(f"{len(self.features)} feature names for shape {list(self.shape)}")
        if self.symbols and "int" not in self.dtype:
            raise ValueError(f"symbols are whole numbers, not {self.dtype}")
        return self

    def spec(self) -> TensorSpec:
        return TensorSpec(
            self.name,
            _little(self.dtype),
            self.shape,
            self.batch_axis,
            self.features,
            self.symbols,
        )


class State(_Part):
    """A hidden state: graph input `input` is fed from graph output `output` a step before."""

    input: Tensor
    output: str
    initial: str | None = None
    """base64; None is zeros."""

    def spec(self) -> StateSpec:
        tensor = self.input.spec()
        initial = np.zeros(tensor.shape, tensor.dtype)
        if self.initial is not None:
            initial = _decoded(self.initial, tensor.dtype, tensor.shape)
        return StateSpec(tensor, self.output, initial)


class Normalisation(_Part):
    """What the graph does to raw units by itself, per input or output name; for readers."""

    mean: dict[str, list[float]] = {}
    std: dict[str, list[float]] = {}


class Manifest(_Part):
    format: Literal[1] = 1
    inputs: Annotated[tuple[Tensor, ...], Field(min_length=1)]
    outputs: Annotated[tuple[Tensor, ...], Field(min_length=1)]
    states: tuple[State, ...]
    """Empty for a memoryless network."""
    fixed_batch: bool = False
    takes_non_finite: bool = False
    normalisation: Normalisation = Normalisation()
    training: dict[str, Any] = {}
    """The recipe and the score, as the trainer reports them."""

    @model_validator(mode="after")
    def _names_once(self) -> Manifest:
        taken = [t.name for t in self.inputs] + [s.input.name for s in self.states]
        given = [t.name for t in self.outputs] + [s.output for s in self.states]
        for names in (taken, given):
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"tensor {name!r} is named {names.count(name)} times")
        return self

    def signature(self) -> Signature:
        return Signature(
            inputs=tuple(tensor.spec() for tensor in self.inputs),
            outputs=tuple(tensor.spec() for tensor in self.outputs),
            states=tuple(state.spec() for state in self.states),
            fixed_batch=self.fixed_batch,
            takes_non_finite=self.takes_non_finite,
        )


Tolerance = Annotated[float, Field(gt=0)]


class _Golden(_Part):
    steps: Annotated[int, Field(ge=32)]
    atol: Tolerance | dict[str, Tolerance] = 1e-5
    """One number for all outputs, or one for each by its name."""
    inputs: dict[str, str]
    outputs: dict[str, str]


def encode(manifest: Manifest, golden: GoldenRun) -> dict[str, str]:
    """The `metadata_props` that make a model file a package."""
    text = _Golden(
        steps=golden.steps,
        atol=dict(zip((t.name for t in manifest.outputs), golden.atol, strict=True)),
        inputs=_encoded_run(manifest.inputs, golden.inputs),
        outputs=_encoded_run(manifest.outputs, golden.outputs),
    )
    return {
        MANIFEST_KEY: manifest.model_dump_json(exclude_defaults=True),
        GOLDEN_KEY: text.model_dump_json(),
    }


def decode(metadata: Mapping[str, str]) -> tuple[Manifest, GoldenRun]:
    """Reads what `encode` wrote. Raises ManifestError."""
    for key in (MANIFEST_KEY, GOLDEN_KEY):
        if key not in metadata:
            raise ManifestError(f"the file has no metadata {key!r}: it was not made by an export")
    try:
        manifest = Manifest.model_validate_json(metadata[MANIFEST_KEY])
        golden = _Golden.model_validate_json(metadata[GOLDEN_KEY])
        return manifest, GoldenRun(
            _decoded_run(manifest.inputs, golden.inputs, golden.steps),
            _decoded_run(manifest.outputs, golden.outputs, golden.steps),
            _tolerances(manifest.outputs, golden.atol),
        )
    except ValidationError as error:
        raise ManifestError(first_fault(error)) from error
    except ValueError as error:
        raise ManifestError(str(error)) from error


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong, in one line: its place, and why."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "manifest"
    return f"{place}: {first['msg']}"


def encode_array(array: Array) -> str:
    """base64 of the little-endian bytes in C order."""
    little = array.astype(_little(array.dtype.name), copy=False)
    return base64.b64encode(little.tobytes()).decode("ascii")


def _little(dtype: str) -> np.dtype[Any]:
    return np.dtype(dtype).newbyteorder("<")


def _tolerances(outputs: tuple[Tensor, ...], atol: float | dict[str, float]) -> tuple[float, ...]:
    if not isinstance(atol, dict):
        return (atol,) * len(outputs)
    if set(atol) != {tensor.name for tensor in outputs}:
        raise ValueError(f"the golden run has tolerances of {sorted(atol)}, not of the outputs")
    return tuple(atol[tensor.name] for tensor in outputs)


def _encoded_run(tensors: tuple[Tensor, ...], arrays: tuple[Array, ...]) -> dict[str, str]:
    return {tensor.name: encode_array(array) for tensor, array in zip(tensors, arrays, strict=True)}


def _decoded_run(
    tensors: tuple[Tensor, ...], texts: dict[str, str], steps: int
) -> tuple[Array, ...]:
    if set(texts) != {tensor.name for tensor in tensors}:
        raise ValueError(f"the golden run has {sorted(texts)}, not the tensors of the signature")
    return tuple(
        _decoded(texts[tensor.name], _little(tensor.dtype), (steps, *tensor.shape))
        for tensor in tensors
    )


def _decoded(text: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    data = base64.b64decode(text, validate=True)
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{len(data)} bytes do not make {dtype.name}{list(shape)}")
    return np.frombuffer(data, dtype).reshape(shape)
