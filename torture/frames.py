"""HTTP/2 by hand (RFC 9113), to say what no library would."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_END_STREAM, _END_HEADERS = 0x1, 0x4
_LARGEST_STREAM = 2**31 - 1


class Kind(IntEnum):
    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes

    def encode(self, length: int | None = None) -> bytes:
        """`length`: another than the payload's."""
        size = len(self.payload) if length is None else length
        head = struct.pack(">I", size)[1:] + bytes([self.kind, self.flags])
        return head + struct.pack(">I", self.stream) + self.payload


def call(path: str | bytes, messages: Sequence[bytes]) -> list[Frame]:
    """A gRPC call as it should be."""
    body = b"".join(prefixed(message) for message in messages)
    return [
        Frame(Kind.SETTINGS, 0, 0, b""),
        Frame(Kind.HEADERS, _END_HEADERS, 1, _headers(_bytes(path))),
        Frame(Kind.DATA, _END_STREAM, 1, body),
    ]


def prefixed(message: bytes, *, compressed: int = 0, length: int | None = None) -> bytes:
    """A message behind gRPC's prefix of five bytes."""
    return struct.pack(">BI", compressed, len(message) if length is None else length) + message


def _headers(path: bytes) -> bytes:
    """Literals without indexing (RFC 7541, 6.2.2)."""
    fields = {
        ":method": b"POST",
        ":scheme": b"http",
        ":path": path,
        ":authority": b"localhost",
        "content-type": b"application/grpc",
        "te": b"trailers",
    }
    return b"".join(b"\x00" + _text(_bytes(name)) + _text(value) for name, value in fields.items())


def _text(value: bytes) -> bytes:
    return bytes([len(value)]) + value


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


class Garbler:
    """Draws conversations that break the rules, from a seeded source."""

    def __init__(self, source: random.Random, mutate: Callable[[bytes], bytes]) -> None:
        self._random = source
        self._mutate = mutate

    def garble(self, path: str, message: bytes) -> bytes:
        """What a client sends on a connection of its own."""
        way = self._random.choice(
            (
                self._mutated,
                self._lying_frame,
                self._foreign_frame,
                self._lying_prefix,
                self._foreign_path,
                self._noise,
            )
        )
        return way(path, message)

    def _mutated(self, path: str, message: bytes) -> bytes:
        frames = b"".join(frame.encode() for frame in call(path, [message]))
        return PREFACE + self._mutate(frames)

    def _lying_frame(self, path: str, message: bytes) -> bytes:
        frames = call(path, [message])
        liar = self._random.randrange(len(frames))
        length = self._random.choice((0, 1, 2**14, 2**14 + 1, 2**24 - 1))
        encoded = [frame.encode(length if n == liar else None) for n, frame in enumerate(frames)]
        return PREFACE + b"".join(encoded)

    def _foreign_frame(self, path: str, message: bytes) -> bytes:
        foreign = Frame(
            self._random.choice((*Kind, 10, 0xFF)),
            self._random.randrange(256),
            self._random.choice((0, 1, 2, 3, _LARGEST_STREAM)),
            self._random.randbytes(self._random.choice((0, 1, 4, 5, 6, 8, 100))),
        )
        frames = call(path, [message])
        frames.insert(self._random.randint(0, len(frames)), foreign)
        return PREFACE + b"".join(frame.encode() for frame in frames)

    def _lying_prefix(self, path: str, message: bytes) -> bytes:
        length = self._random.choice((0, 1, len(message) + 1, 2**31, 2**32 - 1))
        body = prefixed(message, compressed=self._random.choice((0, 1, 2, 255)), length=length)
        *before, data = call(path, [])
        frames = [*before, data._replace(payload=body)]
        return PREFACE + b"".join(frame.encode() for frame in frames)

    def _foreign_path(self, path: str, message: bytes) -> bytes:
        """The name of an RPC that no text has."""
        place = self._random.randrange(len(path))
        foreign = self._random.choice((b"\xff", b"\x00", b"/", b"\xc3\xb6"))
        encoded = path.encode()
        garbled = encoded[:place] + foreign + encoded[place + 1 :]
        frames = b"".join(frame.encode() for frame in call(garbled, [message]))
        return PREFACE + frames

    def _noise(self, path: str, message: bytes) -> bytes:
        greeting = self._random.choice((b"", PREFACE, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"))
        return greeting + self._random.randbytes(self._random.randint(1, 200))
