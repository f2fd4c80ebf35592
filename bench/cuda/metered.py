"""A device that counts what crosses the bus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from service.core.model import Array
from service.runtime.device import Device, DeviceArray


class Metered(Device):
    """Another device, and `moved`: bytes between its memory and the host's so far, both ways."""

    def __init__(self, device: Device, fixed_rows: int | None = None) -> None:
        """`fixed_rows`: every run is padded to so many, or to a multiple, as on a device that is
        deterministic.
        """
        self._device, self._fixed_rows = device, fixed_rows
        self.name, self.is_host, self.xp = device.name, device.is_host, device.xp
        self.providers, self.binding = device.providers, device.binding
        self.run_config = device.run_config
        self.is_deterministic = device.is_deterministic or fixed_rows is not None
        self.moved = 0

    def use(self) -> None:
        self._device.use()

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        return self._device.zeros(shape, dtype)

    def host(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return self._device.host(shape, dtype)

    def room(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return self._device.room(shape, dtype)

    def free(self) -> int | None:
        return self._device.free()

    def pointer(self, array: DeviceArray) -> int:
        return self._device.pointer(array)

    def put(self, host: Array) -> DeviceArray:
        self._count(host)
        return self._device.put(host)

    def fetch(self, array: DeviceArray) -> Array:
        self._count(array)
        return self._device.fetch(array)

    def upload(self, host: Array, array: DeviceArray) -> None:
        self._count(host)
        self._device.upload(host, array)

    def download(self, array: DeviceArray, host: Array) -> None:
        self._count(host)
        self._device.download(array, host)

    def synchronize(self) -> None:
        self._device.synchronize()

    def take(self, array: DeviceArray, index: DeviceArray, axis: int, out: DeviceArray) -> None:
        self._device.take(array, index, axis, out)

    def finite(self, arrays: Sequence[DeviceArray]) -> bool:
        return self._device.finite(arrays)

    def padded(self, rows: int) -> int:
        if self._fixed_rows is None:
            return self._device.padded(rows)
        return -(-rows // self._fixed_rows) * self._fixed_rows

    def _count(self, array: DeviceArray) -> None:
        if not self.is_host:
            self.moved += array.nbytes
