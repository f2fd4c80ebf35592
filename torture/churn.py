"""Streams that come and go by the thousand: memory stays flat, and no slot is leaked."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import grpc

from stepwire.v1 import stream_pb2 as pb
from torture.life import WINDOW, Life
from torture.memory import Memory
from torture.package import NAME
from torture.processes import Server, running
from torture.promises import promised
from torture.raw import OWN_CONNECTION, STREAM
from torture.scrape import ANYWHERE, HttpPort
from torture.witness import Witness

_SHORTEST, _LONGEST = 10, 40
"""Steps of a life."""
_CALLS_PER_CONNECTION = 100
_WARM = 0.4
"""The share of all steps after which memory is to stay where it is."""
_PATIENCE = 30.0
_TOKEN_BYTES = 16


class End(Enum):
    """How a life ends."""

    CLOSED = auto()
    RESUMED = auto()
    """Detached, resumed on another call, closed there."""
    ABANDONED = auto()
    """With a window of steps unanswered; the server forgets it after the idle limit."""


_ENDS = (End.CLOSED, End.CLOSED, End.RESUMED, End.ABANDONED)
"""As often as they are drawn: those left behind stay fewer than would double the arena late."""


@dataclass(frozen=True, slots=True)
class Churn:
    steps: int
    lives: int
    steps_per_second: float
    warm_bytes: int
    """Resident memory of the server after the warm-up."""
    last_bytes: int
    """At the end."""
    growth: float
    seconds: float


async def let_streams_come_and_go(
    ground: Path, *, steps: int, streams: int, idle_limit: float, most_growth: float, seed: int = 0
) -> Churn:
    """At least `steps` on `streams` at a time, each of which is soon followed by another.

    `idle_limit`: seconds that the server keeps what was abandoned. Raises PromiseBroken, also
    where memory grows by more than `most_growth`.
    """
    witness = Witness(ground / "repository", hidden=8)
    flags = ("--idle-limit", str(idle_limit), *ANYWHERE)
    started = time.monotonic()
    with running(witness.repository, *flags, log=ground / "server.log") as server:
        http = HttpPort(server)
        crowd = _Crowd(witness, steps)
        memory = Memory(server.process.pid)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(memory.watch(lambda: crowd.steps / steps))
            await crowd.live(server, streams, seed)
            watching.cancel()
        stepping = time.monotonic() - started
        await _all_slots_come_back(http, idle_limit + _PATIENCE)
    growth = memory.growth(_WARM)
    promised(
        growth.share <= most_growth,
        f"memory grew by {growth.share:.1%} from {growth.first} to {growth.last} bytes",
    )
    return Churn(
        crowd.steps,
        crowd.lives,
        crowd.steps / stepping,
        growth.first,
        growth.last,
        growth.share,
        time.monotonic() - started,
    )


async def _all_slots_come_back(http: HttpPort, within: float) -> None:
    deadline = time.monotonic() + within
    while True:
        metrics = await asyncio.to_thread(http.metrics)
        slots, kept = metrics.total("stepwire_slots_used"), metrics.total("stepwire_streams")
        if not slots and not kept:
            return
        promised(
            time.monotonic() < deadline,
            f"{slots:g} slots and {kept:g} streams are left when all have ended",
        )
        await asyncio.sleep(0.1)


class _Crowd:
    """Streams of raw calls, all of which are given the same inputs."""

    def __init__(self, witness: Witness, goal: int) -> None:
        self._goal = goal
        self._steps = [
            pb.StreamRequest(
                step=pb.Step(step=step, inputs=[witness.input(0, step).tobytes()])
            ).SerializeToString()
            for step in range(2 * _LONGEST + WINDOW)
        ]
        self._close = pb.StreamRequest(close=pb.Close()).SerializeToString()
        self.steps = 0
        self.lives = 0

    async def live(self, server: Server, streams: int, seed: int) -> None:
        async with asyncio.TaskGroup() as tasks:
            for first in range(0, streams, _CALLS_PER_CONNECTION):
                places = range(first, min(first + _CALLS_PER_CONNECTION, streams))
                tasks.create_task(self._connection(server.address, places, seed))

    async def _connection(self, address: str, places: Sequence[int], seed: int) -> None:
        async with (
            grpc.aio.insecure_channel(address, options=OWN_CONNECTION) as channel,
            asyncio.TaskGroup() as tasks,
        ):
            for place in places:
                source = random.Random(f"{seed} {place}")
                tasks.create_task(self._succession(channel, source))

    async def _succession(self, channel: grpc.aio.Channel, source: random.Random) -> None:
        """Life after life in one place."""
        while self.steps < self._goal:
            opening = pb.Open(
                model=NAME, stream_id=secrets.token_hex(8), token=secrets.token_bytes(_TOKEN_BYTES)
            )
            end, steps = source.choice(_ENDS), source.randint(_SHORTEST, _LONGEST)
            life = await self._born(channel, opening, at=0)
            await life.run(steps)
            if end is End.RESUMED:
                await life.finish()
                opening.mode = pb.OPEN_MODE_RESUME
                life = await self._born(channel, opening, at=steps)
                await life.run(source.randint(_SHORTEST, _LONGEST))
            if end is End.ABANDONED:
                await life.abandon()
            else:
                await life.finish(self._close)
            self.steps += life.made
            self.lives += 1

    async def _born(self, channel: grpc.aio.Channel, opening: pb.Open, *, at: int) -> Life:
        """A call that has its stream."""
        begin: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(STREAM)
        life = Life(begin(), self._steps)
        await life.open(opening, at=at)
        return life
