"""A client that sends as fast as it may and reads no answer (HTTP/2, RFC 9113, section 5.2)."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Iterable

from torture.frames import PREFACE, Frame, Kind, call, prefixed

_STREAM = 1
_FIRST_WINDOW = 65_535
_INITIAL_WINDOW_SIZE = 4
_ACK = 0x1
_HEAD = 9


class DeafClient:
    """One call on a connection of its own. It never gives the server room for more answers."""

    def __init__(self, path: str, opening: bytes) -> None:
        self._path = path
        self._opening = opening
        self._room = {0: _FIRST_WINDOW, _STREAM: _FIRST_WINDOW}
        """Bytes that may be sent, on the connection and on the call."""
        self._window = _FIRST_WINDOW
        """What the server gives each call to begin with."""
        self._news = asyncio.Event()
        self.sent = 0
        """Messages, beside the first."""

    async def flood(self, port: int, messages: Iterable[bytes], *, no_room: float) -> bool:
        """Sends until there has been no room for `no_room` seconds: True; False if it could
        send all.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        hearing = asyncio.create_task(self._hear(reader, writer))
        try:
            frames = call(self._path, [self._opening])
            writer.write(PREFACE + b"".join(frame.encode() for frame in _left_open(frames)))
            self._take_room(len(prefixed(self._opening)))
            for message in messages:
                data = prefixed(message)
                if not await self._wait_for_room(len(data), no_room):
                    return True
                self._take_room(len(data))
                writer.write(Frame(Kind.DATA, 0, _STREAM, data).encode())
                await writer.drain()
                await asyncio.sleep(0)  # the server's pings are to be answered
                self.sent += 1
            return False
        finally:
            hearing.cancel()
            writer.transport.abort()

    def _take_room(self, size: int) -> None:
        for stream in self._room:
            self._room[stream] -= size

    async def _wait_for_room(self, size: int, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while min(self._room.values()) < size:
                    self._news.clear()
                    await self._news.wait()
                return True
        return False

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What concerns the connection; answers are left unread."""
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readexactly(_HEAD)
                size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                payload = await reader.readexactly(size)
                if kind == Kind.WINDOW_UPDATE:
                    stream, more = struct.unpack(">II", head[5:] + payload)
                    self._room[stream] += more
                elif kind == Kind.SETTINGS and not flags & _ACK:
                    self._settle(payload)
                    writer.write(Frame(Kind.SETTINGS, _ACK, 0, b"").encode())
                elif kind == Kind.PING and not flags & _ACK:
                    writer.write(Frame(Kind.PING, _ACK, 0, payload).encode())
                self._news.set()

    def _settle(self, payload: bytes) -> None:
        for name, value in struct.iter_unpack(">HI", payload):
            if name == _INITIAL_WINDOW_SIZE:
                self._room[_STREAM] += value - self._window
                self._window = value


def _left_open(frames: Iterable[Frame]) -> Iterable[Frame]:
    return (frame._replace(flags=0) if frame.kind == Kind.DATA else frame for frame in frames)
