"""What was measured on: the device, its driver, and the versions of what computes."""

from __future__ import annotations

import ctypes
import importlib
import platform
import re
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench import machine

_DRIVER = Path("/proc/driver/nvidia/version")
_CUDNN = "libcudnn.so.9"
_PACKAGES = ("onnxruntime-gpu", "onnxruntime", "torch", "cupy-cuda13x", "numpy")
UNKNOWN = "unknown"


def told(device: str) -> str:
    """A paragraph. `device`: "cpu" or "cuda:N", of which there is one."""
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return (
        f"Measured on {_device(device)}; {machine.computer()}, load average "
        f"{machine.load_average():.2f}; Python {platform.python_version()}, {_versions()}; {when}."
    )


def _device(name: str) -> str:
    if name == "cpu":
        return name
    runtime = importlib.import_module("cupy.cuda.runtime")
    told = runtime.getDeviceProperties(int(name.partition(":")[2] or 0))
    memory = told["totalGlobalMem"] / 2**30
    return (
        f"{name}: {told['name'].decode()}, {memory:.0f} GiB, driver {driver()}, "
        f"CUDA {cuda(runtime.runtimeGetVersion())}, cuDNN {cudnn()}"
    )


def _versions() -> str:
    """Of the packages that are there."""
    known = {name: _version(name) for name in _PACKAGES}
    return ", ".join(f"{name} {found}" for name, found in known.items() if found)


def driver(file: Path = _DRIVER) -> str:
    """NVIDIA's, as its kernel module tells it."""
    try:
        found = re.search(r"\b\d+\.\d+(\.\d+)?\b", file.read_text(encoding="utf-8"))
    except OSError:
        return UNKNOWN
    return found[0] if found else UNKNOWN


def cuda(number: int) -> str:
    """13000 → "13.0"."""
    return f"{number // 1000}.{number % 1000 // 10}"


def cudnn(library: str = _CUDNN) -> str:
    """Of the library that the process has loaded: ONNX Runtime and torch share one."""
    try:
        number: int = ctypes.CDLL(library).cudnnGetVersion()
    except (OSError, AttributeError):
        return UNKNOWN
    return f"{number // 10000}.{number % 10000 // 100}.{number % 100}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
