"""The device: where the arithmetic of a model is done, and where its states live."""

from __future__ import annotations

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.core.model import Array

Providers = Sequence[tuple[str, Mapping[str, str]]]
"""What an InferenceSession is made with: names and options, the first that can takes a node."""

DeviceArray = Any
"""An array of a device's module: NumPy's, or CuPy's, which has the same methods."""

CPU_PROVIDER, CUDA_PROVIDER = "CPUExecutionProvider", "CUDAExecutionProvider"


class Device(ABC):
    """Its arrays are those of the module `xp`. What is asked of it is done in the order in which
    it is asked, but not at once: on the host it is seen after `fetch`, `finite` or `synchronize`.
    """

    name: str
    """`cpu`, or `cuda:0`."""
    is_host: bool
    """Its arrays are the host's own: nothing crosses a bus."""
    is_deterministic = False
    """Graphs are to have kernels that give the same bits every time."""
    xp: Any
    """numpy, or cupy."""
    providers: Providers
    binding: tuple[str, int]
    """Its type and number for ONNX Runtime's IOBinding."""
    run_config: Mapping[str, str]
    """Entries of the run options of a bound run."""

    @abstractmethod
    def use(self) -> None:
        """The calling thread works on this device from here on. Due before any use of `xp`."""

    @abstractmethod
    def zeros(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        """Raises MemoryError where there is no room."""

    @abstractmethod
    def host(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """A NumPy array of zeros whose memory the device reads and writes fast."""

    @abstractmethod
    def room(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """The same, for one `download` and who keeps it; what is in it is not said."""

    @abstractmethod
    def free(self) -> int | None:
        """Bytes of its memory that nobody has; None where that is the host's."""

    @abstractmethod
    def pointer(self, array: DeviceArray) -> int:
        """The address of the first element of a device array."""

    @abstractmethod
    def put(self, host: Array) -> DeviceArray:
        """A device array of what a NumPy array holds, which may not change before it is used."""

    @abstractmethod
    def fetch(self, array: DeviceArray) -> Array:
        """A NumPy array of what a device array holds, once all that was asked before is done."""

    @abstractmethod
    def upload(self, host: Array, array: DeviceArray) -> None:
        """Copies an array of `host` into a device array, both of one shape and contiguous.

        `host` may change after the next `synchronize`.
        """

    @abstractmethod
    def download(self, array: DeviceArray, host: Array) -> None:
        """Copies a device array into one of `room` or `host`, both of one shape and contiguous."""

    @abstractmethod
    def synchronize(self) -> None:
        """Returns when all that was asked is done. Raises what has failed meanwhile."""

    @abstractmethod
    def take(self, array: DeviceArray, index: DeviceArray, axis: int, out: DeviceArray) -> None:
        """Copies elements along an axis; `index`: a device array, int64, each in bounds."""

    @abstractmethod
    def finite(self, arrays: Sequence[DeviceArray]) -> bool:
        """Whether no element is NaN or Inf.

        `arrays`: floating-point, on the device. Synchronizes.
        """

    @abstractmethod
    def padded(self, rows: int) -> int:
        """How many rows a run of so many should have."""


class Cpu(Device):
    name, is_host, xp = "cpu", True, np
    providers: Providers = ((CPU_PROVIDER, {}),)
    binding = ("cpu", 0)
    run_config: Mapping[str, str] = {}

    def use(self) -> None:
        pass

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        # They take no memory until they are written to.
        return np.zeros(shape, dtype)

    def host(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return np.zeros(shape, dtype)

    def room(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return np.empty(shape, dtype)

    def free(self) -> int | None:
        return None

    def pointer(self, array: DeviceArray) -> int:
        address: int = array.__array_interface__["data"][0]
        return address

    def put(self, host: Array) -> DeviceArray:
        return host

    def fetch(self, array: DeviceArray) -> Array:
        same: Array = array
        return same

    def upload(self, host: Array, array: DeviceArray) -> None:
        np.copyto(array, host)

    def download(self, array: DeviceArray, host: Array) -> None:
        np.copyto(host, array)

    def synchronize(self) -> None:
        pass

    def take(self, array: DeviceArray, index: DeviceArray, axis: int, out: DeviceArray) -> None:
        array.take(index, axis, out, "clip")  # with "raise" it would take them twice

    def finite(self, arrays: Sequence[DeviceArray]) -> bool:
        for array in arrays:
            if array.itemsize < 4:
                if not np.isfinite(array).all():
                    return False
            # One pass of BLAS: NaN and Inf times 0 are NaN, and all other products are 0.
            elif np.vdot(array, _zeros(array.dtype, array.size)):
                return False
        return True

    def padded(self, rows: int) -> int:
        return rows


CPU = Cpu()


class Cuda(Device):
    """An NVIDIA device by CuPy, on one CUDA stream that ONNX Runtime shares.

    Captured CUDA graphs are not used: ONNX Runtime keeps one for each thread that calls it, and
    while it captures one no other thread may ask anything of the device.
    """

    is_host = False

    def __init__(
        self, number: int = 0, *, memory: int | None = None, fixed_rows: int | None = None
    ) -> None:
        """`memory`: bytes for the graphs' weights and work, beside the states; None: all there is.

        `fixed_rows`: every run has so many, so that a row's kernels never differ.

        Raises ImportError without CuPy, and CuPy's errors without a driver or such a device.
        """
        self._cupy: Any = importlib.import_module("cupy")
        self._empty_pinned: Any = importlib.import_module("cupyx").empty_pinned
        self._device = self._cupy.cuda.Device(number)
        self._device.use()
        # One that does not wait for what others do on the device's default stream.
        self._stream = self._cupy.cuda.Stream(non_blocking=True)
        self._fixed_rows = fixed_rows
        self.is_deterministic = fixed_rows is not None
        self.name = f"cuda:{number}"
        self.xp = self._cupy
        self.binding = ("cuda", number)
        # What follows a run is asked of the same stream: no need to wait for its end twice.
        self.run_config = {"disable_synchronize_execution_providers": "1"}
        options = {
            "device_id": str(number),
            "user_compute_stream": str(self._stream.ptr),
            "do_copy_in_default_stream": "1",
            # As much memory as is asked for, and no more.
            "arena_extend_strategy": "kSameAsRequested",
            # Of float32 TF32 keeps 10 of 23 bits.
            "use_tf32": "0",
            # The exhaustive search takes what is fastest that time.
            "cudnn_conv_algo_search": "HEURISTIC",
        }
        if memory is not None:
            options["gpu_mem_limit"] = str(memory)
        self.providers = ((CUDA_PROVIDER, options), (CPU_PROVIDER, {}))

    def use(self) -> None:
        self._device.use()
        self._stream.use()

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        self.use()
        return self._cupy.zeros(shape, dtype)

    def host(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        self.use()
        pinned: Array = self._empty_pinned(shape, dtype)
        pinned.fill(0)
        return pinned

    def room(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        self.use()
        nbytes = math.prod(shape) * dtype.itemsize
        # The pool takes it back when nothing refers to it, and gives it again for the same size.
        pinned: Array = self._empty_pinned((_power_of_two(nbytes),), np.uint8)
        return pinned[:nbytes].view(dtype).reshape(shape)

    def free(self) -> int | None:
        self.use()
        pooled = self._cupy.get_default_memory_pool().free_bytes()  # of arrays that are gone
        return int(self._cupy.cuda.runtime.memGetInfo()[0] + pooled)

    def pointer(self, array: DeviceArray) -> int:
        return int(array.data.ptr)

    def put(self, host: Array) -> DeviceArray:
        self.use()
        return self._cupy.array(host)

    def fetch(self, array: DeviceArray) -> Array:
        copied: Array = array.get(stream=self._stream)
        return copied

    def upload(self, host: Array, array: DeviceArray) -> None:
        array.set(host, stream=self._stream)

    def download(self, array: DeviceArray, host: Array) -> None:
        array.get(stream=self._stream, out=host, blocking=False)

    def synchronize(self) -> None:
        self._stream.synchronize()

    def take(self, array: DeviceArray, index: DeviceArray, axis: int, out: DeviceArray) -> None:
        self._cupy.take(array, index, axis=axis, out=out)

    def finite(self, arrays: Sequence[DeviceArray]) -> bool:
        if not arrays:
            self.synchronize()
            return True
        good = [self._cupy.isfinite(array).all() for array in arrays]
        # Nearly always there is one, and each kernel costs as much as a short run.
        together = good[0] if len(good) == 1 else self._cupy.stack(good)
        return bool(self.fetch(together).all())

    def padded(self, rows: int) -> int:
        if self._fixed_rows:
            return -(-rows // self._fixed_rows) * self._fixed_rows
        if rows > _LARGEST_POWER:
            return -(-rows // _LARGEST_POWER) * _LARGEST_POWER
        return _power_of_two(rows)


_LARGEST_POWER = 1024
"""Rows up to which runs are padded to powers of two, and beyond to multiples."""


def _power_of_two(least: int) -> int:
    return 1 << max(0, least - 1).bit_length()


_made: dict[np.dtype[Any], Array] = {}


def _zeros(dtype: np.dtype[Any], count: int) -> Array:
    zeros = _made.get(dtype)
    if zeros is None or len(zeros) < count:
        zeros = _made[dtype] = np.zeros(2 * count, dtype)
    return zeros[:count]
