"""A proxy that breaks the connections through it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol


class Listening(Protocol):
    """What takes connections on a port of loopback."""

    port: int


class Way(Enum):
    """A direction through the proxy."""

    REQUESTS = auto()
    """From the client."""
    ANSWERS = auto()
    """To the client."""


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
        self._left: dict[Way, int] = {}
        self.swallowed = asyncio.Event()
        """Set once an answer has been swallowed."""
        self.has_cut = asyncio.Event()
        """Set once `cut_within` has done its cut."""
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def up(self) -> None:
        """Takes connections, on the same port each time."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def point_to(self, server: Listening) -> None:
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

    def cut_within(self, way: Way, passed: int) -> None:
        """Passes exactly so many more bytes that way, then breaks every connection, once."""
        self.has_cut.clear()
        self._left = {way: passed}

    def spare(self) -> None:
        """Takes back what `cut_within` has asked for."""
        self._left.clear()

    def cut(self) -> None:
        """Breaks every connection; new ones are taken."""
        self._swallow = False
        self.spare()
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

    def thaw(self) -> None:
        """Passes on what has piled up, and what comes."""
        self._flowing.set()

    async def close(self) -> None:
        self.down()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, onward_writer}
        passage = _Passage()
        for work in (
            self._pass_requests(reader, onward_writer, passage),
            self._pass_answers(onward_reader, writer, passage),
        ):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_requests(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passage: _Passage
    ) -> None:
        async for data in self._flow(source, sink):
            if self._cut_after is not None and passage.answered >= self._cut_after:
                self.cut()
            self._pass(Way.REQUESTS, data, sink)

    async def _pass_answers(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passage: _Passage
    ) -> None:
        async for data in self._flow(source, sink):
            passage.answered += len(data)
            if self._swallow:
                self.swallowed.set()
            else:
                self._pass(Way.ANSWERS, data, sink)

    def _pass(self, way: Way, data: bytes, sink: asyncio.StreamWriter) -> None:
        if sink.transport.is_closing():
            return
        left = self._left.get(way)
        if left is None or left > len(data):
            sink.write(data)
            if left is not None:
                self._left[way] = left - len(data)
            return
        sink.write(data[:left])
        # The socket takes a few bytes at once, so nothing that was to pass is dropped.
        self.cut()
        self.has_cut.set()

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
async def proxied(server: Listening) -> AsyncIterator[Proxy]:
    proxy = Proxy(server.port)
    await proxy.up()
    try:
        yield proxy
    finally:
        await proxy.close()
