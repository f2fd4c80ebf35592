"""Real server processes on loopback, ended by their ids."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

STOP_SECONDS = 60


class Server:
    """`python -m service` on a free loopback port, ready when made."""

    def __init__(self, repository: Path, *flags: str, log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "service", "--listen", "127.0.0.1:0"),
                    *("--repository", str(repository), *flags),
                ],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout
        line = self.process.stdout.readline()
        found = re.match(r"stepwire: listening on (\S+:(\d+)), serving ", line)
        if not found:
            self.kill()
            raise AssertionError(f"the server did not start:\n{self.log}")
        self.address, self.port = found[1], int(found[2])

    @property
    def log(self) -> str:
        # gRPC writes down what it is sent.
        return self._log.read_text(errors="replace")

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit code, once it has stopped by itself."""
        code = self.process.wait(STOP_SECONDS)
        self._close()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process.stdout:
            self.process.stdout.close()


@contextlib.contextmanager
def running(repository: Path, *flags: str, log: Path) -> Iterator[Server]:
    server = Server(repository, *flags, log=log)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


class Reborn:
    """A server that comes back on the port it had; ended by `with`."""

    def __init__(self, repository: Path, *flags: str, log: Path) -> None:
        self._repository = repository
        self._log = log
        self._flags = flags
        self.now = Server(repository, *flags, log=log)
        """The process of this moment."""
        self.port = self.now.port
        self.address = self.now.address

    async def crash(self) -> None:
        """Kill -9, and a new process."""
        self.now.kill()
        await self._begin()

    async def restart(self) -> None:
        """An orderly end, and a new process."""
        self.now.terminate()
        await asyncio.to_thread(self.now.wait)
        await self._begin()

    async def come_back(self) -> None:
        """A new process, where one has ended by itself."""
        await asyncio.to_thread(self.now.wait)
        await self._begin()

    async def _begin(self) -> None:
        listen = ("--listen", f"127.0.0.1:{self.port}")
        self.now = await asyncio.to_thread(
            lambda: Server(self._repository, *self._flags, *listen, log=self._log)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.now.process.poll() is None:
            self.now.kill()
