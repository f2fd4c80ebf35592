"""The tensors that a user's forward or step takes and gives: their names and dtypes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from torch import Tensor

from export.source import ExportRefused
from service.repository import manifest


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    key: str
    """The keys of the dicts it lies in, joined by dots; empty outside of any."""
    tensor: Tensor


def leaves(result: object, key: str = "") -> list[Leaf]:
    """Every tensor of nested tuples, lists and dicts, in order. Raises ExportRefused."""
    return list(_leaves(result, key))


def _leaves(result: object, key: str) -> Iterator[Leaf]:
    if isinstance(result, Tensor):
        yield Leaf(key, result)
    elif isinstance(result, tuple | list):
        for part in result:
            yield from _leaves(part, key)
    elif isinstance(result, Mapping):
        for name, part in result.items():
            yield from _leaves(part, f"{key}.{name}" if key else str(name))
    elif result is not None:
        raise ExportRefused(
            f"it returns an object of type {type(result).__name__}: tensors, and tuples, lists "
            "and dicts of them, can be streamed"
        )


def names_of(outputs: list[Leaf]) -> tuple[str, ...]:
    """A dict's tensors are named by their keys, a lone tensor is `output`, others are counted."""
    unnamed = sum(not leaf.key for leaf in outputs)
    if unnamed <= 1:
        return tuple(leaf.key or "output" for leaf in outputs)
    return tuple(leaf.key or f"output_{place}" for place, leaf in enumerate(outputs))


def tensor_of(name: str, dtype: str, shape: Sequence[int], batch_axis: int = 0) -> manifest.Tensor:
    """Raises ExportRefused for one that is not served, such as an empty one."""
    try:
        return manifest.Tensor(name=name, dtype=dtype, shape=tuple(shape), batch_axis=batch_axis)
    except ValidationError as error:
        raise ExportRefused(
            f"{name!r} cannot be {dtype}{list(shape)}: {manifest.first_fault(error)}"
        ) from error


def dtype_of(tensor: Tensor) -> str:
    """As the manifest writes it. Raises ExportRefused for one that is not served."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype not in manifest.DTYPES:
        raise ExportRefused(f"{dtype} is not served: convert the module, for example by .float()")
    return dtype
