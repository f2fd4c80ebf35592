"""Triton's own clients: Python's and `perf_analyzer`, in a virtual environment of theirs.

They want older libraries than this project, and their messages have the same names as its own,
so that they run as processes by themselves.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from torture.programs import NotInstalled, alone, install

VERSION = "2.51.0"
PACKAGES = (
    f"tritonclient[grpc]=={VERSION}",
    "protobuf<5",
    "numpy<2",
    "nvidia-cuda-runtime-cu12==12.9.79",  # the library that perf_analyzer is linked against
)
ONLY_BUILT = ("--only-binary", ":all:")
"""What pip is told with them: nothing is compiled."""

LIBRARY_PACKAGE = "libb64-0d"
"""Of Debian, for `perf_analyzer`."""

_BUILD = Path(__file__).parents[1] / "build"
_B64 = "libb64.so.0d"


class TritonClient:
    """The environment, made at the first use on a machine and kept under `build/`.

    Raises NotInstalled.
    """

    def __init__(self) -> None:
        self.folder = _environment()
        self.python = self.folder / "bin" / "python"

    def run(self, script: Path, *arguments: str, stdin: str = "", patience: float = 60.0) -> str:
        """What a script prints that ends well within `patience` seconds."""
        done = subprocess.run(
            [str(self.python), "-W", "ignore", str(script), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=patience,
        )
        assert done.returncode == 0, f"{script.name}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def perf_analyzer(
        self, *arguments: str, patience: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Raises NotInstalled where its libraries are missing."""
        _install_b64()
        (cuda,) = self.folder.glob("lib/python*/site-packages/nvidia/cuda_runtime/lib")
        return subprocess.run(
            [str(self.folder / "bin" / "perf_analyzer"), *arguments],
            env={**os.environ, "LD_LIBRARY_PATH": str(cuda)},
            capture_output=True,
            text=True,
            timeout=patience,
        )


def _environment() -> Path:
    folder = _BUILD / f"tritonclient-{VERSION}"
    _BUILD.mkdir(exist_ok=True)
    finished = folder / "finished"
    with alone("tritonclient"):
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _made(folder)
            finished.touch()
    return folder


def _made(folder: Path) -> None:
    pip = [folder / "bin" / "pip", "install", "--quiet", *ONLY_BUILT]
    for command in ([sys.executable, "-m", "venv", folder], [*pip, *PACKAGES]):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode:
            wanted = " ".join(repr(package) for package in PACKAGES)
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise NotInstalled(f"no Triton client: pip installs no {wanted}: {reason}")


def _install_b64() -> None:
    if not _has_b64():
        install(LIBRARY_PACKAGE)
    if not _has_b64():
        raise NotInstalled(
            f"no {_B64} for perf_analyzer: install Debian's package {LIBRARY_PACKAGE}"
        )


def _has_b64() -> bool:
    known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True)
    return _B64 in known.stdout
