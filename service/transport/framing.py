"""Messages as gRPC frames them: a flag, a length, the bytes.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import struct
from collections import deque

from service.transport import compression
from service.transport.compression import Packed
from service.transport.refusals import Malformed, TooLarge

_PREFIX = struct.Struct(">BI")
PREFIX_BYTES = _PREFIX.size
prefix = _PREFIX.pack
"""Flag and length."""


class Assembler:
    """Puts messages together from pieces that may end anywhere."""

    __slots__ = ("_encoding", "_limit", "_parts", "_size", "_wanted", "messages")

    def __init__(self, limit: int, encoding: str = "identity") -> None:
        """`limit`: bytes of the largest message that is taken. `encoding`: of compressed ones."""
        self.messages: deque[bytes] = deque()
        """Those that are compressed are `Packed`."""
        self._limit = limit
        self._encoding = encoding
        self._parts: list[bytes] = []
        self._size = 0
        self._wanted = 0

    def feed(self, piece: bytes) -> int:
        """Adds the messages that the piece completes; their number. Raises Refused."""
        size = len(piece)
        if not self._size and size >= PREFIX_BYTES:
            flag, length = _PREFIX.unpack_from(piece)
            if length == size - PREFIX_BYTES and not flag and length <= self._limit:
                self.messages.append(piece[PREFIX_BYTES:])
                return 1
        self._parts.append(piece)
        self._size += size
        if self._size < self._wanted:
            return 0
        return self._cut()

    def _cut(self) -> int:
        whole = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        at, end, found = 0, len(whole), 0
        self._wanted = PREFIX_BYTES
        while end - at >= PREFIX_BYTES:
            flag, length = _PREFIX.unpack_from(whole, at)
            self._check(flag, length)
            stop = at + PREFIX_BYTES + length
            if stop > end:
                self._wanted = PREFIX_BYTES + length
                break
            message = whole[at + PREFIX_BYTES : stop]
            self.messages.append(Packed(message) if flag else message)
            at, found = stop, found + 1
        self._parts = [whole[at:]] if at < end else []
        self._size = end - at
        return found

    def _check(self, flag: int, length: int) -> None:
        if flag == 1:
            compression.check(self._encoding)
        elif flag:
            raise Malformed(f"a message has the flag {flag}, and only 0 and 1 are known")
        if length > self._limit:
            raise TooLarge(f"Received message larger than max ({length} vs. {self._limit})")
