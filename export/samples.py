"""Inputs for the proof of an export: drawn by chance, or the user's own recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from export.source import ExportRefused
from export.tensors import tensor_of
from export.user_code import told
from export.verify import GOLDEN_STEPS
from service.core.model import Array
from service.repository import manifest

Sample = Callable[[int, int], list[Array]]
"""For N sequences of T timesteps the inputs, each [N, T, *shape]."""


def drawn(tensors: Sequence[manifest.Tensor], symbols: Mapping[str, int]) -> Sample:
    """Standard normal numbers, truth values, and symbols below their count; the same each time.

    Raises ExportRefused for integers whose range is not known.
    """
    for tensor in tensors:
        if np.dtype(tensor.dtype).kind in "iu" and tensor.name not in symbols:
            raise ExportRefused(
                f"input {tensor.name!r} holds integers that go to no Embedding, or to several "
                "of different sizes, so that their range is not known: give recorded inputs with "
                "--sample"
            )

    def sample(rows: int, steps: int) -> list[Array]:
        random = np.random.default_rng(0)
        return [_draw(random, tensor, symbols, (rows, steps)) for tensor in tensors]

    return sample


def _draw(
    random: np.random.Generator,
    tensor: manifest.Tensor,
    symbols: Mapping[str, int],
    leading: tuple[int, int],
) -> Array:
    shape, dtype = (*leading, *tensor.shape), np.dtype(tensor.dtype)
    if dtype.kind == "f":
        return random.normal(size=shape).astype(dtype)
    return random.integers(symbols.get(tensor.name, 2), size=shape).astype(dtype)


def recorded(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """The arrays of a file, each [N, T, *shape]: of `.npy` for a single input, else of
    `.safetensors`, by input name. Raises ExportRefused.
    """
    arrays = _read(path, names)
    if set(arrays) != set(names):
        raise ExportRefused(
            f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}: the module takes "
            f"{', '.join(names)}"
        )
    for name, array in arrays.items():
        if array.ndim < 2 or not array.shape[0] or array.shape[1] < GOLDEN_STEPS:
            raise ExportRefused(
                f"{path}: {name!r} has shape {list(array.shape)}: sequences, timesteps (at least "
                f"{GOLDEN_STEPS}), and then the shape of one timestep are needed"
            )
        if array.shape[:2] != arrays[names[0]].shape[:2]:
            raise ExportRefused(f"{path}: the inputs differ in their sequences or timesteps")
    return arrays


def _read(path: Path, names: Sequence[str]) -> dict[str, Array]:
    try:
        if path.suffix == ".safetensors":
            return safetensors.numpy.load_file(path)
        if path.suffix == ".npy":
            if len(names) > 1:
                raise ExportRefused(
                    f"{path}: one array cannot be {', '.join(names)}: give a .safetensors file"
                )
            return {names[0]: np.load(path, allow_pickle=False)}
    except (OSError, EOFError, SafetensorError, ValueError) as error:
        if isinstance(error, ExportRefused):
            raise
        raise ExportRefused(f"{path} cannot be read: {told(error)}") from error
    raise ExportRefused(f"{path}: recorded inputs are .npy or .safetensors")


def declarations(arrays: Mapping[str, Array]) -> dict[str, manifest.Tensor]:
    """What recorded inputs say of dtype and shape: float64, NumPy's habit, means float32."""
    dtypes = {"float64": "float32"}
    return {
        name: tensor_of(name, dtypes.get(a.dtype.name, a.dtype.name), a.shape[2:])
        for name, a in arrays.items()
    }


def replayed(path: Path, arrays: Mapping[str, Array], tensors: Sequence[manifest.Tensor]) -> Sample:
    """The first sequences and timesteps of a recording; too few sequences are repeated.

    Raises ExportRefused if the recording is not of the declared dtype and shape, or not finite.
    """
    cast = []
    for tensor in tensors:
        array = arrays[tensor.name]
        castable = np.can_cast(array.dtype, tensor.dtype, "same_kind")
        if array.shape[2:] != tensor.shape or not castable:
            raise ExportRefused(
                f"{path}: {tensor.name!r} is {array.dtype.name}{list(array.shape[2:])} at each "
                f"timestep, not {tensor.dtype}{list(tensor.shape)}"
            )
        with np.errstate(over="ignore"):  # what is too large becomes Inf, which is refused
            cast.append(array.astype(tensor.dtype))
        if cast[-1].dtype.kind == "f" and not np.isfinite(cast[-1]).all():
            place = np.argwhere(~np.isfinite(cast[-1]))[0].tolist()
            raise ExportRefused(
                f"{path}: {tensor.name!r} holds NaN or Inf as {tensor.dtype}, first at {place}"
            )

    def sample(rows: int, steps: int) -> list[Array]:
        cut = [array[:rows, :steps] for array in cast]
        return [np.resize(array, (rows, *array.shape[1:])) for array in cut]

    return sample
