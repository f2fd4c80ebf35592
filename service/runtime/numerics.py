"""Which arithmetic computes here: equal names give equal bits."""

from __future__ import annotations

import platform
from pathlib import Path

import onnxruntime

from service.runtime.device import CPU, Device


def numerics(device: Device = CPU) -> str:
    """Runtime, provider and class of processor, for example `onnxruntime 1.31.0 CPU x86_64+fma`.

    On x86 the kernels round alike wherever fused multiply-add is there, AVX2 or AVX-512, and
    otherwise without it. On CUDA the libraries choose their kernels by the device's model, and by
    the number of rows, which has its place in the name where it is fixed.
    """
    runtime = f"onnxruntime {onnxruntime.__version__}"
    if _is_cpu(device):
        return f"{runtime} CPU {_processor()}"
    rows = device.padded(1)
    fixed = f" of {rows} rows" if rows > 1 else ""
    return f"{runtime} CUDA {_cuda(device)} {processor_of(device)}{fixed}"


def processor_of(device: Device) -> str:
    """Its model, for example `NVIDIA L4`."""
    if _is_cpu(device):
        return _processor()
    _, number = device.binding
    name: bytes = device.xp.cuda.runtime.getDeviceProperties(number)["name"]
    return name.decode(errors="replace")


def _is_cpu(device: Device) -> bool:
    return device.binding[0] == "cpu"


def _cuda(device: Device) -> str:
    """13.2 of 13020."""
    version: int = device.xp.cuda.runtime.runtimeGetVersion()
    return f"{version // 1000}.{version % 1000 // 10}"


def _processor() -> str:
    machine = platform.machine()
    if machine != "x86_64":
        return machine
    return machine + ("+fma" if "fma" in _flags() else "")


def _flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
