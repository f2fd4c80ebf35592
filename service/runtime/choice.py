"""Which device computes: what was asked for, held against what is there."""

from __future__ import annotations

import ctypes
import io
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

from service.core.wanted import Kind, wanted
from service.runtime.device import CPU, CUDA_PROVIDER, Cuda, Device
from service.runtime.telling import line

_LIBRARY = "libonnxruntime_providers_cuda.so"
_INSTALL = "install the extra `gpu` in an environment without `serve`, as docs/cuda.md shows"
_NEEDS = "it needs CUDA and cuDNN, which the extra `gpu` brings"
_LIMIT = "gpu_mem_limit"
"""An option of the provider: of a model, and smaller than what cuDNN takes it may well be."""
_FATAL = 4
"""The severity from which on ONNX Runtime logs."""
_SMALLEST = (
    b'\x08\x08\x12\x00:s\n%\n\x01x\n\x01w\n\x01w\x12\x01y"\x03RNN*\x12\n\x0bhidden_size\x18\x01'
    b"\xa0\x01\x02\x12\x01g*\x11\x08\x01\x08\x01\x08\x01\x10\x01B\x01wJ\x04\x00\x00\x80?Z\x17\n\x01x"
    b"\x12\x12\n\x10\x08\x01\x12\x0c\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01b\x1b\n\x01y\x12\x16\n\x14\x08"
    b"\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01B\x04\n\x00\x10\x0e"
)
"""An ONNX model: y = tanh(x), float32[1, 1, 1], as an RNN. ONNX Runtime does without cuDNN until
something needs it, as cells do.
"""


class DeviceUnavailable(RuntimeError):
    """The device cannot be computed on; one line says what is missing and what to do."""

    def __init__(self, missing: str, remedy: str) -> None:
        super().__init__(f"{missing}: {remedy}")
        self.missing = missing


class Choice(NamedTuple):
    device: Device
    why_not_cuda: str = ""
    """Where CUDA would have been taken, had it been there."""


def choose(text: str) -> Device:
    """The device that `auto`, `cpu`, `cuda` or `cuda:N` means here. Raises what `chosen` does."""
    return chosen(text).device


def chosen(text: str, *, memory: int | None = None, fixed_rows: int | None = None) -> Choice:
    """The same, and why it is not CUDA.

    `memory`, `fixed_rows`: of a CUDA device, as it takes them. Raises ValueError for any other
    text, and DeviceUnavailable if CUDA is asked for and is not there.
    """
    kind, number = wanted(text)
    if kind is Kind.CPU:
        return Choice(CPU)
    try:
        return Choice(_cuda(number, memory, fixed_rows))
    except DeviceUnavailable as error:
        if kind is Kind.AUTO:
            return Choice(CPU, error.missing)
        raise


def _cuda(number: int, memory: int | None, fixed_rows: int | None) -> Cuda:
    """Raises DeviceUnavailable."""
    if CUDA_PROVIDER not in onnxruntime.get_available_providers():
        built = f"onnxruntime {onnxruntime.__version__} is built without CUDA"
        raise DeviceUnavailable(built, _INSTALL)
    cupy = _cupy()
    _refuse_absent(cupy.cuda.runtime, number)
    # Of every session it writes to stderr that no plugin has this provider, and of every failure
    # what is raised.
    onnxruntime.set_default_logger_severity(_FATAL)
    with redirect_stdout(io.StringIO()):  # it prints what it does not find
        onnxruntime.preload_dlls()
    try:
        device = Cuda(number, memory=memory, fixed_rows=fixed_rows)
        _compute(device)
    except Exception as error:  # of CUDA, its compiler, or its libraries
        raise DeviceUnavailable(
            f"cupy does not compute on CUDA device {number}", line(error)
        ) from error
    if reason := _fallen_back(device):
        raise DeviceUnavailable(
            f"ONNX Runtime's provider for CUDA does not load, for {reason}", _NEEDS
        )
    return device


def _cupy() -> Any:
    """Raises DeviceUnavailable."""
    try:
        return import_module("cupy")
    except ModuleNotFoundError as error:
        raise DeviceUnavailable(f"{error.name} is not installed", _INSTALL) from error
    except Exception as error:  # it looks for libraries, and makes a folder for its kernels
        raise DeviceUnavailable("cupy cannot be imported", line(error)) from error


def _refuse_absent(runtime: Any, number: int) -> None:
    """Raises DeviceUnavailable if the driver, or the device of that number, is not there."""
    try:
        count = runtime.getDeviceCount()
    except Exception as error:  # a class of cupy's
        raise _without_devices(runtime, line(error)) from error
    if count == 0:
        raise _without_devices(runtime, "the driver shows none")
    if number >= count:
        there = (
            "there is one, cuda:0"
            if count == 1
            else f"there are {count}, cuda:0 to cuda:{count - 1}"
        )
        raise DeviceUnavailable(f"there is no CUDA device {number}", there)


def _without_devices(runtime: Any, reason: str) -> DeviceUnavailable:
    driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    if not driver:
        return DeviceUnavailable(
            "there is no NVIDIA driver",
            "install it, or give the container a device (docker compose --profile gpu up)",
        )
    if driver // 1000 < needed // 1000:
        return DeviceUnavailable(
            f"the NVIDIA driver is for CUDA {_release(driver)}",
            f"install one for CUDA {needed // 1000}",
        )
    return DeviceUnavailable(
        f"no CUDA device can be reached, for {reason}", "look at CUDA_VISIBLE_DEVICES"
    )


def _compute(device: Cuda) -> None:
    """Compiles a kernel and runs it. Raises what cupy raises."""
    device.use()
    numbers = device.zeros((2,), np.dtype(np.float32))
    numbers += 1
    device.synchronize()


def _fallen_back(device: Cuda) -> str:
    """Why ONNX Runtime would compute elsewhere, which it does without a word, or not at all; empty
    if it would not.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL  # it is told once, by who asks
    providers = [
        (name, {key: value for key, value in given.items() if key != _LIMIT})
        for name, given in device.providers
    ]
    try:
        session = onnxruntime.InferenceSession(
            _SMALLEST, options, providers=providers, enable_fallback=0
        )
        if CUDA_PROVIDER not in session.get_providers():
            return _unloaded()
        session.run(None, {"x": np.zeros((1, 1, 1), np.float32)})
    except Exception as error:  # ONNX Runtime has no common base class
        return line(error)
    return ""


def _unloaded() -> str:
    """What keeps the provider's library from loading; ONNX Runtime has tried it already."""
    try:
        ctypes.CDLL(str(Path(onnxruntime.__file__).parent / "capi" / _LIBRARY))
    except OSError as error:
        return line(error)
    return "a reason that it does not tell"


def _release(version: int) -> str:
    """13020 is 13.2."""
    return f"{version // 1000}.{version % 1000 // 10}"
