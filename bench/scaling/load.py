"""The load: calls that send when they are answered, or by the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import grpc
import numpy as np

from bench.load import LoadFailed
from bench.scaling.pacing import paced
from bench.scaling.talk import Call, Talk, heard

_OPEN_LIMIT, _CLOSE_LIMIT = 30.0, 20.0


@dataclass(frozen=True, slots=True)
class Load:
    calls: int
    rate_hz: float = 0.0
    """Messages per second of each call, sent by the clock; 0: each follows the answer before.

    Of what falls due while an answer is awaited, one message follows that answer.
    """
    connections: int = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """What one server gave under one load. Times in microseconds, CPU by the operating system."""

    messages: int
    seconds: float
    server_us: float
    """CPU per message."""
    client_us: float
    """CPU per message, of the load itself."""
    batch: float
    """Rows of a run, its mean over the runs."""
    p50_us: float
    """From sending to the answer."""
    p99_us: float

    @property
    def rate(self) -> float:
        """Messages answered per second."""
        return self.messages / self.seconds


async def put(
    address: str,
    talks: Sequence[Talk],
    load: Load,
    cpu_seconds: Callable[[], float],
    *,
    warm_up: float,
    seconds: float,
) -> Measured:
    """Puts the load on a server, a call for each talk. Raises LoadFailed."""
    async with opened(address, talks, load.connections) as talkers:
        return await converse(talkers, load.rate_hz, cpu_seconds, warm_up=warm_up, seconds=seconds)


@asynccontextmanager
async def opened(
    address: str, talks: Sequence[Talk], connections: int = 1
) -> AsyncIterator[Sequence[Talker]]:
    """A call for each talk, open and idle; their streams end with it. Raises LoadFailed."""
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(_connection(address)) for _ in range(connections)
        ]
        begins: list[grpc.aio.StreamStreamMultiCallable[bytes, bytes]] = [
            channel.stream_stream(talks[0].method) for channel in channels
        ]
        talkers = [
            Talker(begins[number % len(begins)](), talk) for number, talk in enumerate(talks)
        ]
        async with asyncio.timeout(_OPEN_LIMIT):
            for talker in talkers:
                await talker.open()
        yield talkers
        async with asyncio.timeout(_CLOSE_LIMIT):
            for talker in talkers:
                await talker.close()


async def converse(
    talkers: Sequence[Talker],
    rate_hz: float,
    cpu_seconds: Callable[[], float],
    *,
    warm_up: float,
    seconds: float,
) -> Measured:
    """Raises LoadFailed."""
    with _paced(talkers, rate_hz), _failing_alone():
        async with (
            asyncio.timeout(warm_up + seconds + _CLOSE_LIMIT),
            asyncio.TaskGroup() as tasks,
        ):
            for talker in talkers:
                tasks.create_task(talker.converse())
            await asyncio.sleep(warm_up)
            first = _mark(cpu_seconds)
            await asyncio.sleep(seconds)
            last = _mark(cpu_seconds)
            for talker in talkers:
                talker.stop()
    return _summary(talkers, first, last)


@contextmanager
def _failing_alone() -> Iterator[None]:
    """Of tasks that fail, one is told of; so is one that does not end."""
    try:
        yield
    except ExceptionGroup as group:
        failed = group.subgroup(LoadFailed)
        raise (failed or group).exceptions[0] from group
    except TimeoutError as error:
        raise LoadFailed(f"a step was not answered within {_CLOSE_LIMIT:g} s") from error


def _connection(address: str) -> grpc.aio.Channel:
    # Channels to one address share a connection unless each has a pool of its own.
    return grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])


class _Answer(NamedTuple):
    sent: float
    heard: float
    batch: int
    """Rows of its run."""


class Talker:
    """One call of the load."""

    def __init__(self, call: Call, talk: Talk) -> None:
        self.call = call
        self.talk = talk
        self.answers: list[_Answer] = []
        self.due: asyncio.Event | None = None
        """Set when a step is to be sent; None: at once."""
        self._step = 0
        self._stopped = False

    async def open(self) -> None:
        await self.talk.open(self.call)

    async def close(self) -> None:
        """Waits until the server has closed what the call opened."""
        await self.call.write(self.talk.closing())
        await self.call.done_writing()
        while await self.call.read() is not grpc.aio.EOF:
            pass

    async def converse(self) -> None:
        """Until it is stopped; what it hears is in `answers`."""
        self.answers, self._stopped = [], False
        while True:
            if self.due:
                await self.due.wait()
                self.due.clear()
            if self._stopped:
                return
            message = self.talk.message(self._step)
            sent = time.perf_counter()
            await self.call.write(message)
            self.answers.append(await self._answer(sent))
            self._step += 1

    async def _answer(self, sent: float) -> _Answer:
        while True:
            message = await heard(self.call)
            now = time.perf_counter()
            batch = self.talk.batch(message)
            if batch is not None:
                return _Answer(sent, now, batch)

    def stop(self) -> None:
        self._stopped = True
        if self.due:
            self.due.set()


@contextmanager
def _paced(talkers: Sequence[Talker], rate_hz: float) -> Iterator[None]:
    if not rate_hz:
        yield
        return
    for talker in talkers:
        talker.due = asyncio.Event()
    with paced([talker.due for talker in talkers if talker.due], rate_hz):
        yield


class _Mark(NamedTuple):
    time: float
    server: float
    client: float


def _mark(cpu_seconds: Callable[[], float]) -> _Mark:
    return _Mark(time.perf_counter(), cpu_seconds(), time.process_time())


def _summary(talkers: Sequence[Talker], first: _Mark, last: _Mark) -> Measured:
    answers = [
        (talker.talk, answer)
        for talker in talkers
        for answer in talker.answers
        if first.time <= answer.heard < last.time
    ]
    if not answers:
        raise LoadFailed("no step was answered")
    count = len(answers)
    batches = np.array([max(1, answer.batch) for _, answer in answers])
    shares = np.array([talk.entries for talk, _ in answers]) / batches
    trips = np.array([answer.heard - answer.sent for _, answer in answers]) * 1e6
    p50, p99 = np.percentile(trips, [50, 99])
    return Measured(
        messages=count,
        seconds=last.time - first.time,
        server_us=(last.server - first.server) / count * 1e6,
        client_us=(last.client - first.client) / count * 1e6,
        batch=float((batches * shares).sum() / shares.sum()),
        p50_us=float(p50),
        p99_us=float(p99),
    )
