"""What the tests of state stores keep in them, and places to keep it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, cast

from service.checkpoint.clock import MachineClock
from service.checkpoint.memory import MemoryStore
from service.checkpoint.redis import RedisStore
from service.checkpoint.sqlite import SqliteStore
from service.checkpoint.store import Record, Store, StoreUnavailable, Write
from service.core.checkpoint import Checkpoint
from service.core.streams import Fence, ModelKey, StreamKey
from tests.redis_server import RedisServer

T = TypeVar("T")

WINDOW = 4
TIMEOUT = 10.0
KEPT = 600.0
SOON = 30.0
"""Seconds that a record is kept whose time is to be up."""
A = StreamKey("", "a")
TOKEN_HASH = bytes(range(32))


async def once_it_answers(ask: Callable[[], Awaitable[T]]) -> T:
    """What a store says that may have too little time at first. Raises TimeoutError."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            with contextlib.suppress(StoreUnavailable):
                return await ask()


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
        """The server reads a clock of its own: all that it keeps for a time is made older."""
        passed = int(seconds * 1000)
        with self.server.client() as client:
            for key in cast(list[bytes], client.keys()):
                left = cast(int, client.pttl(key))
                if left >= 0:
                    client.pexpire(key, left - passed)
            for member in cast(list[bytes], client.zrange("stepwire:expiry", 0, -1)):
                client.zincrby("stepwire:expiry", -passed, member)
