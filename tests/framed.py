"""A client of HTTP/2 that does as it is told, frame by frame."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

from torture.frames import PREFACE, Frame, Kind, prefixed

END_STREAM, END_HEADERS, PADDED, ACK = 0x1, 0x4, 0x8, 0x1
PATIENCE = 20.0
_HEAD = 9
FIELDS = {
    b":method": b"POST",
    b":scheme": b"http",
    b":path": b"/scenes/Echo",
    b":authority": b"localhost",
    b"content-type": b"application/grpc",
    b"te": b"trailers",
}


def fields(**changes: bytes) -> bytes:
    """Headers of a call as literals; `path` and `method` are those with a colon."""
    pseudo = {"path": b":path", "method": b":method"}
    changed = {pseudo.get(key, key.replace("_", "-").encode()): v for key, v in changes.items()}
    return b"".join(literal(*field) for field in (FIELDS | changed).items())


def literal(name: bytes, value: bytes) -> bytes:
    """A header without indexing (RFC 7541, 6.2.2)."""
    return b"\x00" + _text(name) + _text(value)


def _text(value: bytes) -> bytes:
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, encoded = len(value) - 127, b"\x7f"
    while rest > 127:
        encoded += bytes([rest % 128 | 128])
        rest //= 128
    return encoded + bytes([rest]) + value


def head(stream: int, *, ends: bool = False, **changes: bytes) -> Frame:
    flags = END_HEADERS | (END_STREAM if ends else 0)
    return Frame(Kind.HEADERS, flags, stream, fields(**changes))


def data(stream: int, *messages: bytes, ends: bool = False) -> Frame:
    body = b"".join(map(prefixed, messages))
    return Frame(Kind.DATA, END_STREAM if ends else 0, stream, body)


def window(stream: int, size: int) -> Frame:
    return Frame(Kind.WINDOW_UPDATE, 0, stream, struct.pack(">I", size))


class Framed:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *frames: Frame) -> None:
        await self.send_bytes(b"".join(frame.encode() for frame in frames))

    async def send_bytes(self, raw: bytes) -> None:
        self._writer.write(raw)
        await self._writer.drain()

    async def hear(self) -> Frame | None:
        """The next frame; None: the server has closed the connection."""
        try:
            async with asyncio.timeout(PATIENCE):
                first = await self._reader.readexactly(_HEAD)
                payload = await self._reader.readexactly(int.from_bytes(first[:3], "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Frame(first[3], first[4], int.from_bytes(first[5:], "big"), payload)

    async def until(self, kind: Kind, stream: int = 0, flags: int = 0) -> Frame:
        """The next of that kind that has the flags; those before it are passed over."""
        seen = []
        while (frame := await self.hear()) is not None:
            if frame.kind == kind and frame.stream == stream and frame.flags & flags == flags:
                return frame
            seen.append((frame.kind, frame.flags, frame.stream))
        raise AssertionError(f"closed, behind {seen}")

    async def answers(self, stream: int, size: int) -> bytes:
        """As many bytes of a call's answers, in whatever frames."""
        heard = b""
        while len(heard) < size:
            heard += (await self.until(Kind.DATA, stream)).payload
        return heard

    async def rest(self) -> list[Frame]:
        """What still comes before the server closes the connection."""
        frames = []
        while (frame := await self.hear()) is not None:
            frames.append(frame)
        return frames


@contextlib.asynccontextmanager
async def framed(port: int, *, greets: bool = True) -> AsyncIterator[Framed]:
    """`greets`: with the preface and settings of a client that takes whatever comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = Framed(reader, writer)
    try:
        if greets:
            await client.send_bytes(PREFACE)
            widest = struct.pack(">HI", 4, 2**31 - 1)
            await client.send(Frame(Kind.SETTINGS, 0, 0, widest), window(0, 2**31 - 65_536))
        yield client
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
