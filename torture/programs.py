"""Programs of others that a scenario runs: whether they are here, and which ports they may have."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

_LOCKS = Path(tempfile.gettempdir())


class NotInstalled(RuntimeError):
    """There is no such program; the message says what to do."""


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """One process of this machine at a time, by the name of what it does."""
    with (_LOCKS / f"stepwire-{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def install(*packages: str) -> None:
    """Packages of Debian, where that is possible; who needs them looks whether they came."""
    if os.geteuid() or not shutil.which("apt-get"):
        return
    with alone("apt"):
        for command in (["update"], ["install", "-y", *packages]):
            subprocess.run(["apt-get", "-q", *command], capture_output=True)
