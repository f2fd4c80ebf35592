"""Programs of others that a scenario runs: whether they are here, and which ports they may have."""

from __future__ import annotations

import contextlib
import socket


class NotInstalled(RuntimeError):
    """There is no such program; the message says what to do."""


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
