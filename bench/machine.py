"""The machine: what it is, where things run on it, and whether others use it."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

QUIET_LOAD = 0.5
"""Load average of the last minute above which someone else is at work."""
_PACKAGES = ("grpcio", "protobuf", "onnxruntime", "numpy", "uvloop")


class Cores(NamedTuple):
    client: int
    server: int

    @classmethod
    def choose(cls) -> Cores:
        """The first and the last that this process may use; the same one if there is but one."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[-1])

    def __str__(self) -> str:
        if self.client == self.server:
            return (
                f"client and server share core {self.server}, the only one: "
                "only the server's CPU time per step means something"
            )
        return f"server on core {self.server}, client on core {self.client}"


class Circumstances(NamedTuple):
    """Under which a run was made."""

    machine: str
    versions: str
    cores: Cores
    load_average: float
    """Of the last minute, before anything was started."""
    when: str
    """UTC."""

    @classmethod
    def here(cls) -> Circumstances:
        return cls(
            machine=computer(),
            versions=_versions(),
            cores=Cores.choose(),
            load_average=load_average(),
            when=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        )


def description() -> str:
    return f"{computer()}\n{_versions()}"


def load_average() -> float:
    return os.getloadavg()[0]


def computer() -> str:
    """Its processor, how many, and the system."""
    return f"{_cpu_model()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def _versions() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"Python {platform.python_version()}, {packages}"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
