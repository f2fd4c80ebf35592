"""Numbers and nested lists of a text file as arrays of the dtype and shape that a tensor has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import JsonValue

from service.core.graph import Dim
from service.core.model import Array

_KINDS = {"f": "fiu", "i": "iu", "u": "iu", "b": "biu"}
"""For each kind of dtype the kinds of values that may stand for it."""


def array_of(value: JsonValue, dtype: str, shape: Sequence[Dim]) -> Array:
    """A number fills the whole shape; nested lists must have it. Raises ValueError.

    Open dimensions take the size that the lists have.
    """
    array = _exactly(value, np.dtype(dtype).newbyteorder("<"))
    if not array.shape:
        sizes = [size for size in shape if isinstance(size, int)]
        if len(sizes) < len(shape):
            raise ValueError("a number does not say the size of its open axes: write lists")
        try:
            return np.full(sizes, array)
        except MemoryError as error:
            raise ValueError(f"{shown(shape)} is more than memory holds") from error
    if not fits(array.shape, shape):
        raise ValueError(f"its shape is {list(array.shape)}, not {shown(shape)}")
    return array


def fits(sizes: Sequence[int], shape: Sequence[Dim]) -> bool:
    """Open dimensions fit any size."""
    return len(sizes) == len(shape) and all(
        size == dim for size, dim in zip(sizes, shape, strict=True) if isinstance(dim, int)
    )


def shown(shape: Sequence[Dim]) -> str:
    return f"[{', '.join('?' if dim is None else str(dim) for dim in shape)}]"


def _exactly(value: JsonValue, dtype: np.dtype[Any]) -> Array:
    try:
        found = np.array(value)
    except ValueError as error:
        raise ValueError("its lists are not all of one length") from error
    if found.dtype.kind not in _KINDS[dtype.kind]:
        raise ValueError(f"{value!r:.60} is not {dtype.name}")
    with np.errstate(over="ignore"):
        array = found.astype(dtype)
    exact = np.isinf(array) == np.isinf(found) if dtype.kind == "f" else array == found
    if not exact.all():
        raise ValueError(f"{value!r:.60} is beyond {dtype.name}")
    return array
