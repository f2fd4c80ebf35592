"""Loss: a device that will not compute again in this process, told by the errors of its runs."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.core.errors import ServerDraining

_NAMES = {
    46: ("cudaErrorDevicesUnavailable", "CUDA_ERROR_DEVICE_UNAVAILABLE"),
    100: ("cudaErrorNoDevice", "CUDA_ERROR_NO_DEVICE"),
    101: ("cudaErrorInvalidDevice", "CUDA_ERROR_INVALID_DEVICE"),
    214: ("cudaErrorECCUncorrectable", "CUDA_ERROR_ECC_UNCORRECTABLE"),
    220: ("cudaErrorNvlinkUncorrectable", "CUDA_ERROR_NVLINK_UNCORRECTABLE"),
    226: ("cudaErrorContained", "CUDA_ERROR_CONTAINED"),
    700: ("cudaErrorIllegalAddress", "CUDA_ERROR_ILLEGAL_ADDRESS"),
    702: ("cudaErrorLaunchTimeout", "CUDA_ERROR_LAUNCH_TIMEOUT"),
    709: ("cudaErrorContextIsDestroyed", "CUDA_ERROR_CONTEXT_IS_DESTROYED"),
    710: ("cudaErrorAssert", "CUDA_ERROR_ASSERT"),
    714: ("cudaErrorHardwareStackError", "CUDA_ERROR_HARDWARE_STACK_ERROR"),
    715: ("cudaErrorIllegalInstruction", "CUDA_ERROR_ILLEGAL_INSTRUCTION"),
    716: ("cudaErrorMisalignedAddress", "CUDA_ERROR_MISALIGNED_ADDRESS"),
    717: ("cudaErrorInvalidAddressSpace", "CUDA_ERROR_INVALID_ADDRESS_SPACE"),
    718: ("cudaErrorInvalidPc", "CUDA_ERROR_INVALID_PC"),
    719: ("cudaErrorLaunchFailure", "CUDA_ERROR_LAUNCH_FAILED"),
    721: ("cudaErrorTensorMemoryLeak", "CUDA_ERROR_TENSOR_MEMORY_LEAK"),
    999: ("cudaErrorUnknown", "CUDA_ERROR_UNKNOWN"),
}
"""By their numbers, as the enumerations cudaError of NVIDIA's CUDA Runtime API and CUresult of its
Driver API name them: after these every call to CUDA fails until the process is started again, or
the device is another's, or gone, or CUDA knows no more.
"""
_LOSSES = frozenset(name for names in _NAMES.values() for name in names)
_NUMBER = re.compile(r"CUDA (?:failure|error) (\d+)\b")
"""As ONNX Runtime tells of one."""
_NAME = re.compile(r"\b(cudaError\w+|CUDA_ERROR_\w+)")
"""As CuPy does, by what it called: the runtime or the driver."""


DEVICE_LOST = 3
"""The exit code of a process that has lost its device: who starts it again has a new one."""
GOES_ON = "this server has lost its device: resume the stream in a moment"


class DeviceLost(RuntimeError):
    """The device does not compute any more; states on it that are not saved are gone."""


def is_loss(error: BaseException) -> bool:
    """Whether no later run can succeed either; want of memory, say, is none."""
    if isinstance(error, DeviceLost):
        return True
    told = str(error)
    numbers = {int(number) for number in _NUMBER.findall(told)}
    return bool(numbers & _NAMES.keys() or _LOSSES & set(_NAME.findall(told)))


def raise_if_lost(error: Exception) -> None:
    """Raises DeviceLost if that is what the error of a run means."""
    if is_loss(error) and not isinstance(error, DeviceLost):
        raise DeviceLost(" ".join(str(error).split())) from error


class Loss:
    """Whether the device of a process is lost. Any thread may tell it."""

    def __init__(self) -> None:
        self.reason = ""
        """Empty while it is not."""
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def notice(self, error: BaseException) -> bool:
        """Whether the device is lost, if that is what the error means; the first one is told."""
        if is_loss(error):
            with self._lock:
                if self.reason:
                    return True
                self.reason = " ".join(str(error).split())
                listeners = tuple(self._listeners)
            for tell in listeners:
                tell()
        return bool(self.reason)

    def listen(self, tell: Callable[[], None]) -> None:
        """Has `tell` called once the device is lost, in whatever thread finds out."""
        with self._lock:
            self._listeners.append(tell)
            lost = bool(self.reason)
        if lost:
            tell()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Around what the device does beside runs. Raises ServerDraining if it is lost."""
        try:
            yield
        except Exception as error:
            if self.notice(error):
                raise ServerDraining(GOES_ON) from error
            raise
