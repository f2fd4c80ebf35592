"""Engines that share a store, each a server of its own, in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from service.checkpoint.memory import MemoryStore
from service.checkpoint.store import Listed, Record, StoreUnavailable, Write
from service.core.counts import StoreReading
from service.core.directory import Directory
from service.core.steps import Step
from service.core.streams import Fence, Mode, OpenRequest, StreamKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.streams.opening import Opened
from tests.fakes import MODEL, Connection, accumulator_lane, number, request, value

INTERVAL = 0.005
"""Seconds between two rounds: short, so that tests are."""
TAKEOVER = 0.2


class Shared(MemoryStore):
    """Outlives its engines, as a store on another machine would."""

    durable = True

    def record(self, key: StreamKey) -> Record | None:
        entry = self._entry(key)
        return entry.record if entry else None

    def step(self, key: StreamKey) -> int | None:
        """At which step the stream is saved; None where it is not."""
        record = self.record(key)
        return record.step if record else None


class Line:
    """One engine's connection to a store that can be cut."""

    durable = True

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.cut = False
        self.reads = self.writes = 0

    def _reach(self) -> MemoryStore:
        if self.cut:
            raise StoreUnavailable("the line is cut")
        return self.store

    async def read(self, key: StreamKey) -> Record | None:
        self.reads += 1
        return await self._reach().read(key)

    async def create(self, write: Write) -> bool:
        return await self._reach().create(write)

    async def replace(self, write: Write, seen: Fence) -> bool:
        return await self._reach().replace(write, seen)

    async def write(self, writes: Sequence[Write]) -> list[bool]:
        self.writes += 1
        return await self._reach().write(writes)

    async def take(self, key: StreamKey, seen: Fence, owner: str) -> Record | None:
        return await self._reach().take(key, seen, owner)

    async def claim(self, key: StreamKey, owner: str) -> None:
        await self._reach().claim(key, owner)

    async def claimed(self, owner: str) -> list[StreamKey]:
        return await self._reach().claimed(owner)

    async def list(self, namespace: str, after: str, limit: int) -> list[Listed]:
        return await self._reach().list(namespace, after, limit)

    async def close(self) -> None:
        """The store goes on."""


class Replica:
    """An engine that serves an accumulator, and its line to the store."""

    def __init__(
        self,
        store: MemoryStore,
        *,
        limit: int = 8,
        lane: Lane | None = None,
        interval: float = INTERVAL,
        takeover_wait: float = TAKEOVER,
        idle_limit: float = 600.0,
    ) -> None:
        """Made on the loop whose clock it goes by."""
        self.line = Line(store)
        self.lane = lane or accumulator_lane()
        self.lanes = Lanes({MODEL: self.lane}, {})
        self.engine = Engine(
            self.lanes,
            Directory(limit=limit, idle_limit=idle_limit),
            store=self.line,
            checkpoint_interval=interval,
            takeover_wait=takeover_wait,
            clock=asyncio.get_running_loop().time,
        )
        self.engine.start()

    @property
    def store_reading(self) -> StoreReading:
        reading = self.engine.readings().store
        assert reading
        return reading

    @property
    def degraded(self) -> bool:
        return self.store_reading.degraded_for is not None

    async def open(self, asked: OpenRequest, connection: Connection | None = None) -> Session:
        connection = connection or Connection()
        return Session(self, connection, await self.engine.open(asked, connection))

    async def create(self, stream_id: str = "robot") -> Session:
        return await self.open(request(stream_id))

    async def resume(self, stream_id: str = "robot") -> Session:
        return await self.open(request(stream_id, Mode.RESUME))


class Session:
    """An open stream and the connection that has it."""

    def __init__(self, replica: Replica, connection: Connection, opened: Opened) -> None:
        self._engine = replica.engine
        self.connection = connection
        self.opened = opened
        self.number = opened.next_step
        """Of the next step."""

    def send(self, x: float) -> None:
        step = Step(self.number, (number(x),), self._engine.now)
        self._engine.submit(self.opened.stream, step)
        self.number += 1

    async def add(self, x: float) -> float:
        """The total after another step."""
        before = len(self.connection.answers)
        self.send(x)
        await until(lambda: len(self.connection.answers) > before)
        return self.totals[-1]

    @property
    def totals(self) -> list[float]:
        return [value(output.outputs[0]) for output in self.connection.outputs]

    async def saved(self) -> None:
        """Waits until every step is in the store."""
        await until(lambda: self.connection.durable_step == self.number)

    def detach(self) -> None:
        self._engine.detach(self.opened.stream, self.opened.owner)

    def close(self) -> None:
        self._engine.close(self.opened.stream, self.opened.owner)


async def until(happened: Callable[[], object], limit: float = 30.0) -> None:
    """Lets the loop go round until it has happened."""
    async with asyncio.timeout(limit):
        while not happened():
            await asyncio.sleep(0.001)
