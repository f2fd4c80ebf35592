"""A device that is none: its arrays are NumPy's, and it minds what crosses the bus, and when."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from service.core.model import Array
from service.runtime.device import CPU_PROVIDER, Cpu, DeviceArray


class Distant(Cpu):
    """A download arrives with the next synchronization. What is uploaded may not change until
    then.
    """

    name = "distant:0"
    is_host = False

    def __init__(self) -> None:
        self.crossings: Counter[str] = Counter()
        """How often each of `upload`, `download`, `put` and `fetch` was asked for."""
        self._uploads: list[tuple[Array, Array]] = []
        self._downloads: list[tuple[Array, Array]] = []

    def put(self, host: Array) -> DeviceArray:
        self.crossings["put"] += 1
        return np.array(host)

    def fetch(self, array: DeviceArray) -> Array:
        self.crossings["fetch"] += 1
        self.synchronize()
        return np.array(array)

    def upload(self, host: Array, array: DeviceArray) -> None:
        assert host.flags.c_contiguous and array.flags.c_contiguous
        assert host.shape == array.shape
        self.crossings["upload"] += 1
        self._uploads.append((host, host.copy()))
        np.copyto(array, host, "no")

    def download(self, array: DeviceArray, host: Array) -> None:
        assert host.flags.c_contiguous and array.flags.c_contiguous
        assert host.shape == array.shape
        self.crossings["download"] += 1
        self._downloads.append((array.copy(), host))

    def synchronize(self) -> None:
        for host, sent in self._uploads:
            assert np.array_equal(host, sent, equal_nan=host.dtype.kind == "f")
        for array, host in self._downloads:
            np.copyto(host, array, "no")
        self._uploads.clear()
        self._downloads.clear()

    def finite(self, arrays: Any) -> bool:
        self.synchronize()
        return super().finite(arrays)


class Padding(Distant):
    """Its runs have 1, 2, 4, 8, ... rows."""

    def padded(self, rows: int) -> int:
        return 1 << (rows - 1).bit_length()


class Kernelless(Distant):
    """Its provider is in this ONNX Runtime, and has no kernels."""

    providers = (("AzureExecutionProvider", {}), (CPU_PROVIDER, {}))
