"""What a CUDA device asks of CuPy, on the host. Its arrays do not mix with NumPy's, either."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from service.core.model import Array

FREE = 2**30
"""Bytes of the device that nobody has."""
POOLED = 2**20
"""Bytes that CuPy's pool has, and no array."""


class Distant:
    """An array of the device. The methods and their arguments are those of cupy.ndarray."""

    def __init__(self, held: Array) -> None:
        self.held = held
        self.shape, self.ndim, self.dtype = held.shape, held.ndim, held.dtype
        self.itemsize = held.itemsize
        self.data = SimpleNamespace(ptr=held.__array_interface__["data"][0])

    def __len__(self) -> int:
        return len(self.held)

    def __array__(self, *_: Any, **__: Any) -> Array:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __getitem__(self, index: Any) -> Distant:
        return Distant(np.asarray(self.held[_index(index)]))

    def __setitem__(self, index: Any, value: Distant) -> None:
        self.held[_index(index)] = value.held

    def fill(self, value: float) -> None:
        self.held.fill(value)

    def view(self, dtype: Any) -> Distant:
        return Distant(self.held.view(dtype))

    def reshape(self, *shape: Any) -> Distant:
        return Distant(self.held.reshape(*shape))

    def transpose(self, axes: Any) -> Distant:
        return Distant(self.held.transpose(axes))

    def all(self) -> Distant:
        return Distant(np.asarray(self.held.all()))

    def take(self, indices: list[int], axis: int | None = None) -> Distant:
        return Distant(self.held.take(indices, axis))

    def set(self, arr: Array, stream: Stream | None = None) -> None:
        assert isinstance(stream, Stream)
        assert (arr.dtype, arr.shape) == (self.dtype, self.shape)
        assert self.held.flags.c_contiguous, "CuPy cannot set others"
        self.held[...] = arr

    def get(
        self,
        stream: Stream | None = None,
        order: str = "C",
        out: Array | None = None,
        blocking: bool = True,
    ) -> Array:
        assert isinstance(stream, Stream)
        if out is None:
            return self.held.copy(order="C")
        assert (out.dtype, out.shape) == (self.dtype, self.shape)
        assert out.flags.c_contiguous
        out[...] = self.held
        return out


class Stream:
    def __init__(self, null: bool = False, non_blocking: bool = False) -> None:
        self.ptr = 4711
        self.uses = self.synchronized = 0

    def use(self) -> Stream:
        self.uses += 1
        return self

    def synchronize(self) -> None:
        self.synchronized += 1


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has `import cupy` give this."""
    cupy, cupyx = ModuleType("cupy"), ModuleType("cupyx")
    for name, found in {
        "cuda": SimpleNamespace(
            Device=lambda number: SimpleNamespace(use=lambda: None),
            Stream=Stream,
            runtime=SimpleNamespace(memGetInfo=lambda: (FREE, 2 * FREE)),
        ),
        "get_default_memory_pool": lambda: SimpleNamespace(free_bytes=lambda: POOLED),
        "zeros": lambda shape, dtype: Distant(np.zeros(shape, dtype)),
        "array": lambda held: Distant(np.array(held)),
        "take": _take,
        "stack": lambda arrays: Distant(np.stack([array.held for array in arrays])),
        "isfinite": lambda array: Distant(np.isfinite(array.held)),
        "concatenate": _concatenate,
    }.items():
        setattr(cupy, name, found)
    cupyx.empty_pinned = np.empty  # type: ignore[attr-defined]  # a made-up module
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cupyx", cupyx)


def _take(
    a: Distant, indices: Distant, axis: int | None = None, out: Distant | None = None
) -> None:
    assert out is not None
    out.held[...] = a.held.take(indices.held, axis)


def _concatenate(arrays: Sequence[Distant], axis: int = 0) -> Distant:
    return Distant(np.concatenate([array.held for array in arrays], axis))


def _index(index: Any) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    assert not any(isinstance(part, np.ndarray) for part in parts), "an index of the host"
    return tuple(part.held if isinstance(part, Distant) else part for part in parts)
