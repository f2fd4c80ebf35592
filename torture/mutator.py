"""Bytes that were a message once: cut short, flipped, spliced, with lengths that lie."""

from __future__ import annotations

import random
from collections.abc import Callable

_LYING_FIELDS = (
    b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # field 1 of 2^63 - 1 bytes
    b"\x12\xff\xff\xff\xff\x0f",  # field 2 of 2^32 - 1 bytes
    b"\x08" + b"\xff" * 11,  # a number of more than 64 bits
    b"\x0b",  # a group that never ends
    b"\x0c",  # the end of a group that never began
    b"\x0e\x00",  # wire types 6 and 7, which nothing has
    b"\x0f\x00",
    b"\x00\x00",  # field 0
    b"\xf8\xff\xff\xff\x0f\x01",  # the highest field number
    b"\x0a\x02\xc3\x28",  # text that is not UTF-8
)
_MOST_MUTATIONS = 4


class Mutator:
    """Draws mutations from a seeded source."""

    def __init__(self, source: random.Random) -> None:
        self._random = source
        self._ways: tuple[Callable[[bytes], bytes], ...] = (
            self._truncate,
            self._flip,
            self._overwrite,
            self._delete,
            self._repeat,
            self._insert,
            self._lie,
        )

    def mutate(self, data: bytes) -> bytes:
        """The data after one to four mutations."""
        for _ in range(self._random.randint(1, _MOST_MUTATIONS)):
            data = self._random.choice(self._ways)(data)
        return data

    def _place(self, data: bytes) -> int:
        return self._random.randint(0, len(data))

    def _slice(self, data: bytes) -> tuple[int, int]:
        first, last = sorted((self._place(data), self._place(data)))
        return first, last

    def _truncate(self, data: bytes) -> bytes:
        return data[: self._place(data)]

    def _flip(self, data: bytes) -> bytes:
        if not data:
            return data
        place = self._random.randrange(len(data))
        flipped = data[place] ^ 1 << self._random.randrange(8)
        return data[:place] + bytes([flipped]) + data[place + 1 :]

    def _overwrite(self, data: bytes) -> bytes:
        place = self._place(data)
        return data[:place] + self._random.choice((b"\x00", b"\x7f", b"\xff")) + data[place + 1 :]

    def _delete(self, data: bytes) -> bytes:
        first, last = self._slice(data)
        return data[:first] + data[last:]

    def _repeat(self, data: bytes) -> bytes:
        first, last = self._slice(data)
        return data[:last] + data[first:]

    def _insert(self, data: bytes) -> bytes:
        place = self._place(data)
        return data[:place] + self._random.randbytes(self._random.randint(1, 20)) + data[place:]

    def _lie(self, data: bytes) -> bytes:
        lie = self._random.choice(_LYING_FIELDS)
        return lie + data if self._random.random() < 0.5 else data + lie
