"""What the tests of state stores keep in them, and places to keep it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from service.checkpoint.clock import MachineClock
from service.checkpoint.memory import MemoryStore
from service.checkpoint.redis import RedisStore
from service.checkpoint.sqlite import SqliteStore
from service.checkpoint.store import Record, Store, Write
from service.core.checkpoint import Checkpoint
from service.core.streams import Fence, ModelKey, StreamKey
from tests.redis_server import RedisServer

WINDOW = 4
TIMEOUT = 10.0
KEPT = 600.0
SOON = 0.05
"""Seconds; where a server has a clock of its own, they are waited for."""
A = StreamKey("", "a")
TOKEN_HASH = bytes(range(32))


def checkpoint(step: int, state: bytes = b"state") -> Checkpoint:
    kept = min(step, WINDOW)
    return Checkpoint(
        model=ModelKey("gru", 3),
        digest="5e" * 32,
        numerics="cpu avx2",
        next_step=step,
        states=(state, b""),
        outputs=(b"out" * kept,),
        seals=tuple(1 << 32 | at for at in range(kept)),
        holder=b"holder",
    )


def record(
    epoch: int, owner: str, step: int | None, *, released: bool = False, state: bytes = b"state"
) -> Record:
    """`step` None: ended."""
    saved = None if step is None else checkpoint(step, state)
    return Record(Fence(epoch, owner), TOKEN_HASH, saved, released)


def write(id_: str, kept: Record, *, namespace: str = "", keep_for: float = KEPT) -> Write:
    return Write(StreamKey(namespace, id_), kept, keep_for)


class Place(Protocol):
    """Where stores keep their records."""

    def store(self) -> Store:
        """Another store over the same records."""

    async def pass_time(self, seconds: float) -> None: ...


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class _Clocked:
    def __init__(self) -> None:
        self.clock = Clock()

    async def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds


class MemoryPlace(_Clocked):
    def __init__(self) -> None:
        super().__init__()
        self._store = MemoryStore(clock=self.clock)

    def store(self) -> Store:
        return self._store


class SqlitePlace(_Clocked):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder / "stepwire.db"

    def store(self) -> Store:
        return SqliteStore(str(self.path), timeout=TIMEOUT, clock=MachineClock("boot", self.clock))


@dataclass
class RedisPlace:
    server: RedisServer

    def store(self) -> Store:
        return RedisStore(self.server.url, timeout=TIMEOUT)

    async def pass_time(self, seconds: float) -> None:
        """The server reads a clock of its own."""
        await asyncio.sleep(seconds)
