"""A server that cannot start."""

from __future__ import annotations

import subprocess
import sys


def started_in_vain(*flags: str) -> tuple[int, str]:
    """Its exit code, and what it complains of."""
    done = subprocess.run(
        [sys.executable, "-m", "service", *flags], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stderr
