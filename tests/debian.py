"""Programs of Debian that tests run."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


def program(name: str, *packages: str) -> str:
    """Its path. Installs it where that is possible, and otherwise skips the test."""
    if not shutil.which(name) and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-q"], capture_output=True)
        subprocess.run(["apt-get", "install", "-y", "-q", *packages], capture_output=True)
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: install Debian's {' and '.join(packages)}")
    return found
