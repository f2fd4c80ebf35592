"""HAProxy as the cluster has it, a process on loopback in front of real servers."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from torture.programs import NotInstalled, free_ports

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "haproxy.cfg"
BIND = "bind :50051 proto h2 tcp-ut 25s"
START_SECONDS = 60


class Backend(NamedTuple):
    """A server on loopback."""

    port: int
    """Of its gRPC service."""
    http_port: int
    """Where it is asked whether it is ready."""


class Balancer:
    """In front of servers that are told by their ports; takes calls when made."""

    def __init__(self, backends: Sequence[Backend], folder: Path, bind: str = BIND) -> None:
        """`bind`: how it listens, in the place of the configuration's line.

        Raises NotInstalled.
        """
        self.port, self.operations_port = free_ports(2)
        self._log = folder / "haproxy.log"
        written = folder / "haproxy.cfg"
        written.write_text(_on_loopback(bind, self.port, self.operations_port, backends))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [installed(), "-db", "-f", str(written)], stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._await_port()
        except BaseException:
            self.stop()
            raise

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it says of its servers, and a line for each call that has ended."""
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _await_port(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self._process.poll() is None and time.monotonic() < deadline, self.log
            time.sleep(0.01)


@contextlib.contextmanager
def balanced(backends: Sequence[Backend], folder: Path, bind: str = BIND) -> Iterator[Balancer]:
    balancer = Balancer(backends, folder, bind)
    try:
        yield balancer
    finally:
        balancer.stop()


def installed() -> str:
    """The program. Raises NotInstalled."""
    # Debian keeps it among the administrator's.
    if found := shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin"):
        return found
    raise NotInstalled("no haproxy: install Debian's package haproxy")


def _on_loopback(bind: str, port: int, operations_port: int, backends: Sequence[Backend]) -> str:
    """The cluster's configuration, with other addresses and no name server."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    text = _replaced(text, BIND, bind.replace(" :50051", f" 127.0.0.1:{port}"))
    text = _replaced(text, r"bind :8080", f"bind 127.0.0.1:{operations_port}")
    text = _replaced(text, r" resolvers docker init-addr none", "")
    servers = [
        rf"server replica{number} 127.0.0.1:{one.port} port {one.http_port} \1"
        for number, one in enumerate(backends, 1)
    ]
    template = r"server-template replica \d+ replica:50051 (.*)"
    return _replaced(text, template, "\n    ".join(servers))


def _replaced(text: str, pattern: str, by: str) -> str:
    text, found = re.subn(pattern, by, text)
    assert found == 1, f"{CONFIGURATION} has {found} times {pattern}"
    return text
