"""Real server processes, and a proxy that breaks connections to them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 30


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
        return self._log.read_text()

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


class Proxy:
    """Passes TCP connections on to a server, until it is told to break them."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._swallow = False
        self._cut_after: int | None = None
        self.swallowed = asyncio.Event()
        """Set once an answer has been swallowed."""
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def up(self) -> None:
        """Takes connections, on the same port each time."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def point_to(self, server: Server) -> None:
        """Breaks every connection; new ones go to another server."""
        self._target = server.port
        self.cut()

    def swallow_answers(self) -> None:
        """Passes requests on and no answers, until the next cut."""
        self._swallow = True
        self.swallowed.clear()

    def cut_after(self, answered: int | None) -> None:
        """Breaks each connection whose client sends more after so many bytes of answers."""
        self._cut_after = answered

    def cut(self) -> None:
        """Breaks every connection; new ones are taken."""
        self._swallow = False
        for writer in self._writers:
            writer.transport.abort()

    def down(self) -> None:
        """Breaks every connection and takes no new ones."""
        if self._server:
            self._server.close()
            self._server = None
        self.cut()

    def freeze(self) -> None:
        """Passes nothing on and tells no one, like a peer that has lost its power."""
        self._flowing.clear()

    async def close(self) -> None:
        self.down()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, onward_writer}
        passage = _Passage()
        for work in (
            self._pass_requests(reader, onward_writer, passage),
            self._pass_answers(onward_reader, writer, passage),
        ):
            self._tasks.add(asyncio.create_task(work))

    async def _pass_requests(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passage: _Passage
    ) -> None:
        async for data in self._flow(source, sink):
            if self._cut_after is not None and passage.answered >= self._cut_after:
                self.cut()
            sink.write(data)

    async def _pass_answers(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passage: _Passage
    ) -> None:
        async for data in self._flow(source, sink):
            passage.answered += len(data)
            if self._swallow:
                self.swallowed.set()
            else:
                sink.write(data)

    async def _flow(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> AsyncIterator[bytes]:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._flowing.wait()
                yield data
                await sink.drain()
        sink.close()
        self._writers.discard(sink)


@dataclass
class _Passage:
    """One connection through a proxy."""

    answered: int = 0
    """Bytes that the server has sent."""


@contextlib.asynccontextmanager
async def proxied(server: Server) -> AsyncIterator[Proxy]:
    proxy = Proxy(server.port)
    await proxy.up()
    try:
        yield proxy
    finally:
        await proxy.close()
