"""Which arithmetic computes here: equal names give equal bits."""

from __future__ import annotations

import platform
from pathlib import Path

import onnxruntime


def numerics() -> str:
    """Runtime, provider and class of processor, for example `onnxruntime 1.31.0 CPU x86_64+fma`.

    On x86 the kernels round alike wherever fused multiply-add is there, AVX2 or AVX-512, and
    otherwise without it.
    """
    return f"onnxruntime {onnxruntime.__version__} CPU {_processor()}"


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
