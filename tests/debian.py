"""Programs of Debian that tests run."""

from __future__ import annotations

import shutil

import pytest

from torture.programs import install


def program(name: str, *packages: str) -> str:
    """Its path. Installs it where that is possible, and otherwise skips the test."""
    if not shutil.which(name):
        install(*packages)
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: install Debian's {' and '.join(packages)}")
    return found
