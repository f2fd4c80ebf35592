"""The golden run that `model.toml` lists or names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from service.core.model import Array, GoldenRun, Signature, TensorSpec
from service.repository.foreign.declaration import DeclarationError, DeclaredGolden
from service.repository.foreign.problems import key
from service.repository.foreign.values import array_of, fits, shown

_STEPS = 32
"""The fewest that prove anything of a state."""


def golden_run(declared: DeclaredGolden, signature: Signature, folder: Path) -> GoldenRun:
    """`folder`: where `model.toml` lies. Raises DeclarationError."""
    if declared.file is not None:
        arrays = _read(declared.file, folder)
        inputs = _from_file(arrays, signature.inputs, declared.file)
        outputs = _from_file(arrays, signature.outputs, declared.file)
    else:
        inputs = _listed(declared.inputs, signature.inputs, "inputs")
        outputs = _listed(declared.outputs, signature.outputs, "outputs")
    lengths = {len(array) for array in (*inputs, *outputs)}
    if len(lengths) > 1 or min(lengths) < _STEPS:
        found = " and ".join(map(str, sorted(lengths)))
        raise DeclarationError(
            "golden",
            f"every input and output has one value for each of at least {_STEPS} steps, "
            f"there are {found}",
        )
    return GoldenRun(inputs, outputs, (declared.atol,) * len(outputs))


def _read(name: str, folder: Path) -> Mapping[str, Array]:
    path = folder / name
    repository = (folder / ".." / "..").resolve()  # <repository>/<name>/<version>
    if not path.resolve().is_relative_to(repository):
        raise DeclarationError("golden.file", f"{name!r} leads out of the repository")
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if not isinstance(found, np.lib.npyio.NpzFile):
                raise ValueError("it is no .npz file")
            return dict(found)
    except Exception as error:  # a damaged file raises what zipfile, zlib or NumPy please
        reason = getattr(error, "strerror", None) or error  # without the folder
        raise DeclarationError("golden.file", f"{name!r} cannot be read: {reason}") from error


def _from_file(
    arrays: Mapping[str, Array], specs: Sequence[TensorSpec], file: str
) -> tuple[Array, ...]:
    for spec in specs:
        if spec.name not in arrays:
            raise DeclarationError("golden.file", f"{file!r} has no array {spec.name!r}")
        array = arrays[spec.name]
        shape = (None, *spec.shape)
        if not np.can_cast(array.dtype, spec.dtype, "same_kind") or not fits(array.shape, shape):
            raise DeclarationError(
                "golden.file",
                f"{spec.name!r} is {array.dtype}{list(array.shape)} in {file!r}, "
                f"not {spec.dtype.name}{shown(shape)}",
            )
    return tuple(arrays[spec.name].astype(spec.dtype) for spec in specs)


def _listed(
    values: Mapping[str, JsonValue], specs: Sequence[TensorSpec], part: str
) -> tuple[Array, ...]:
    for name in values:
        if name not in {spec.name for spec in specs}:
            raise DeclarationError(key("golden", part, name), f"it is none of the {part}")
    return tuple(_array(values, spec, part) for spec in specs)


def _array(values: Mapping[str, JsonValue], spec: TensorSpec, part: str) -> Array:
    place = key("golden", part, spec.name)
    if spec.name not in values:
        raise DeclarationError(place, "it is missing")
    try:
        return array_of(values[spec.name], spec.dtype.name, (None, *spec.shape))
    except ValueError as error:
        raise DeclarationError(place, str(error)) from error
