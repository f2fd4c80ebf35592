"""What waits to be sent on a call, as bytes."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

Piece: TypeAlias = bytes | memoryview


class Outbox:
    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: deque[Piece] = deque()
        self.size = 0
        """Bytes in it."""

    def put(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self.size += len(piece)

    def clear(self) -> None:
        self._pieces.clear()
        self.size = 0

    def take_bytes(self, room: int) -> Piece:
        """As `take`, in one piece."""
        pieces = self._pieces
        if len(pieces) == 1 and self.size <= room:
            self.size = 0
            return pieces.popleft()
        return b"".join(self.take(room))

    def take(self, room: int) -> list[Piece]:
        """The first bytes, as many as there is room for, none of them copied."""
        pieces = self._pieces
        taken: list[Piece] = []
        while pieces and room:
            piece = pieces.popleft()
            if len(piece) > room:
                whole = memoryview(piece)
                pieces.appendleft(whole[room:])
                piece = whole[:room]
            taken.append(piece)
            room -= len(piece)
            self.size -= len(piece)
        return taken
