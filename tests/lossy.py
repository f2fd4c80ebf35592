"""A server whose device is lost when a test says so, as far as its runs can tell."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ILLEGAL = "CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=a"
"""As ONNX Runtime tells of it."""

_PATCH = f"""\
from pathlib import Path
from service.runtime.stepper import Stepper

run = Stepper.run

def lossy(stepper, taken):
    if Path({{lost!r}}).exists():
        raise RuntimeError({ILLEGAL!r})
    return run(stepper, taken)

Stepper.run = lossy
"""


class Lossy:
    """In force for the processes that are started after it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        """`folder`: of the test's own."""
        self._lost = folder / "lost"
        (folder / "sitecustomize.py").write_text(_PATCH.format(lost=str(self._lost)))
        path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
        patch.setenv("PYTHONPATH", path)

    def lose(self) -> None:
        self._lost.touch()

    def find(self) -> None:
        """Who starts from here on has a device again."""
        self._lost.unlink()
