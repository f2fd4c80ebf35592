"""Redis dies, freezes, or comes back empty under load: the streams go on and are caught up."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from operator import ge
from pathlib import Path

import grpc

import stepwire
from stepwire.v1 import stream_pb2 as pb
from torture.diary import Account, Diary, account
from torture.load import Load, Manner
from torture.package import NAME
from torture.processes import Reborn
from torture.promises import promised
from torture.proxy import Proxy, proxied
from torture.raw import STREAM, converse
from torture.redis_server import RedisServer
from torture.scrape import ANYWHERE, HttpPort
from torture.stores import redis_running
from torture.witness import Witness

_PLAIN = (Manner(interval=0.01), Manner(interval=0.02, in_flight=8))
_SYNC = (Manner(interval=0.01, sync=True),)
_ASLEEP = (Manner(interval=0.01),)
_FLAGS = ("--store-timeout", "0.3", "--takeover-wait", "0.3")
_PATIENCE = 20.0
"""Seconds that anything may take which is to happen at all."""
_SETTLED = 0.5
"""Seconds after which no answer of the store is under way any more."""
_LATER = 5
"""Steps that each stream makes after a fault."""
_LOOK = 0.02


class Fault(Enum):
    """What happens to Redis."""

    KILLED = "killed"
    """kill -9; it comes back with its append-only file."""
    FROZEN = "frozen"
    """SIGSTOP: it takes connections and answers nothing."""
    EMPTIED = "emptied"
    """kill -9; it comes back with nothing."""

    def begin(self, redis: RedisServer) -> None:
        if self is Fault.FROZEN:
            redis.freeze()
        else:
            redis.kill()

    def end(self, redis: RedisServer, folder: Path) -> None:
        """`folder`: where Redis keeps its append-only file."""
        if self is Fault.EMPTIED:
            shutil.rmtree(folder / "appendonlydir")
        if self is Fault.FROZEN:
            redis.thaw()
        else:
            redis.start()


@dataclass(frozen=True, slots=True)
class StoreFaults:
    faults: int
    account: Account
    longest_pause: float
    """Seconds between two answers of a stream that does not wait for the store, while it was away
    and the connection was cut."""
    longest_catch_up: float
    """Seconds from the return of the store until everything made by then was in it."""
    seconds: float


async def take_the_store_away(
    ground: Path, *, faults: Sequence[Fault], away: float, streams: int
) -> StoreFaults:
    """Each fault lasts at least `away` seconds, and ends with a kill -9 of the server.

    `streams`: that go on meanwhile, a multiple of 2. Raises PromiseBroken or NotInstalled.
    """
    witness = Witness(ground / "repository")
    folder = ground / "redis"
    folder.mkdir()
    started = time.monotonic()
    with redis_running(folder) as redis:
        flags = ("--store", redis.url, *_FLAGS, *ANYWHERE)
        with Reborn(witness.repository, *flags, log=ground / "server.log") as server:
            async with (
                proxied(server) as proxy,
                stepwire.connect(proxy.address, retry_for=_PATIENCE) as client,
            ):
                loads = _Loads(client, witness, streams)
                async with loads.stepping():
                    pauses, catch_ups = [], []
                    for fault in faults:
                        outage = _Outage(server, proxy, loads)
                        fault.begin(redis)
                        pauses.append(await outage.endure(away))
                        fault.end(redis, folder)
                        catch_ups.append(await outage.recover())
                        await server.crash()
                        await loads.progress()
                        await loads.asleep.resume(client, _LATER)
    done = account(witness, loads.diaries)
    done.hold()
    seconds = time.monotonic() - started
    return StoreFaults(len(faults), done, max(pauses), max(catch_ups), seconds)


class _Loads:
    """Streams that need the store for nothing, some that wait for it, and detached ones."""

    def __init__(self, client: stepwire.Client, witness: Witness, streams: int) -> None:
        self.plain = Load(client, witness, _PLAIN * (streams // len(_PLAIN)))
        self.sync = Load(client, witness, _SYNC, first=streams)
        self.asleep = Load(client, witness, _ASLEEP, first=streams + len(_SYNC))

    @property
    def diaries(self) -> list[Diary]:
        return [*self.plain.diaries, *self.sync.diaries, *self.asleep.diaries]

    @asynccontextmanager
    async def stepping(self) -> AsyncIterator[None]:
        for load in (self.plain, self.sync, self.asleep):
            await load.open()
        await self.asleep.make(_LATER)
        await self.asleep.detach()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.plain.run())
            tasks.create_task(self.sync.run())
            await self.progress()
            yield
            self.plain.stop()
            self.sync.stop()

    async def progress(self) -> None:
        await self.plain.progress(_LATER, _PATIENCE)
        await self.sync.progress(_LATER, _PATIENCE)


class _Outage:
    """One absence of the store, and what must hold meanwhile and afterwards."""

    def __init__(self, server: Reborn, proxy: Proxy, loads: _Loads) -> None:
        self._server = server
        self._proxy = proxy
        self._loads = loads
        self._http = HttpPort(server.now)
        loads.plain.forget_pauses()

    async def endure(self, seconds: float) -> float:
        """The store is away: the longest pause of a plain stream."""
        await self._until_store_is("degraded")
        await asyncio.sleep(_SETTLED)
        plain, sync = self._loads.plain, self._loads.sync
        durable, answered = plain.durable_steps, sync.lengths
        await asyncio.sleep(seconds)
        await plain.progress(_LATER, _PATIENCE)
        self._proxy.cut()
        await plain.progress(_LATER, _PATIENCE)
        await self._refuses_opens()
        promised(
            plain.durable_steps == durable,
            f"durable_step moved from {durable} to {plain.durable_steps} without a store",
        )
        promised(
            sync.lengths == answered, "a sync stream was answered what the store does not have"
        )
        return plain.longest_pause

    async def _refuses_opens(self) -> None:
        opening = pb.StreamRequest(open=pb.Open(model=NAME)).SerializeToString()
        async with grpc.aio.insecure_channel(self._server.address) as channel:
            _, status, details = await converse(channel, STREAM, [opening], patience=_PATIENCE)
        promised(
            status == "UNAVAILABLE" and "state store" in details,
            f"an open that needs the store was answered {status} {details}",
        )

    async def recover(self) -> float:
        """The store is back: seconds until it had all that was made before."""
        began = time.monotonic()
        plain = self._loads.plain
        made = plain.lengths
        await self._until_store_is("ok")
        await _until(lambda: all(map(ge, plain.durable_steps, made)), "the store was not caught up")
        caught_up = time.monotonic() - began
        await self._loads.progress()
        return caught_up

    async def _until_store_is(self, state: str) -> None:
        """By readiness, which stays, and by the metrics."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            status, told = await asyncio.to_thread(self._http.ready)
            promised(status == 200, f"a server whose store is away said it is not ready: {told}")
            if told["store"]["state"] == state:
                break
            promised(time.monotonic() < deadline, f"the server never said {state!r}: {told}")
            await asyncio.sleep(_LOOK)
        metrics = await asyncio.to_thread(self._http.metrics)
        degraded = metrics.total("stepwire_store_degraded")
        promised(degraded == (state == "degraded"), f"{state}, but the metrics say {degraded}")


async def _until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        promised(time.monotonic() < deadline, otherwise)
        await asyncio.sleep(_LOOK)
