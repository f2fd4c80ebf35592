"""Loss: a device that will not compute again in this process, told by the errors of its runs."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.core.errors import ServerDraining

_NAMES = {
    46: "cudaErrorDevicesUnavailable",
    214: "cudaErrorECCUncorrectable",
    220: "cudaErrorNvlinkUncorrectable",
    226: "cudaErrorContained",
    700: "cudaErrorIllegalAddress",
    702: "cudaErrorLaunchTimeout",
    709: "cudaErrorContextIsDestroyed",
    710: "cudaErrorAssert",
    714: "cudaErrorHardwareStackError",
    715: "cudaErrorIllegalInstruction",
    716: "cudaErrorMisalignedAddress",
    717: "cudaErrorInvalidAddressSpace",
    718: "cudaErrorInvalidPc",
    719: "cudaErrorLaunchFailure",
    721: "cudaErrorTensorMemoryLeak",
}
"""After which every call to CUDA fails until the process is started again, as the enumeration
cudaError of NVIDIA's CUDA Runtime API says; or whose device is another's."""
_NUMBER = re.compile(r"CUDA (?:failure|error) (\d+)\b")
"""As ONNX Runtime tells of one."""
_NAME = re.compile(r"\b(cudaError\w+)")
"""As cupy does."""


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
    return bool(numbers & _NAMES.keys() or set(_NAME.findall(told)) & set(_NAMES.values()))


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
