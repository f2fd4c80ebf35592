"""The load: streams that each send a step when the former is answered.

It speaks raw `grpc.aio` with messages made in advance, the same to every server, so that
only the servers differ.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import grpc
import numpy as np

_OPEN_LIMIT, _CLOSE_LIMIT = 20.0, 20.0
_SAMPLED = 13
"""Every so manieth answer tells its batch size; no number of streams is a multiple of it."""

Call = grpc.aio.StreamStreamCall[bytes, bytes]


class LoadFailed(RuntimeError):
    """A server did not answer as it must, so that the round measures nothing."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What each stream of a round says, and how its answers are judged."""

    method: str
    opening: bytes
    steps: Sequence[bytes]
    """One message per timestep, from 0."""
    closing: bytes
    accepts: Callable[[int, bytes], bool]
    """Whether a message answers that timestep; asked of the last answer of each stream."""
    aside: bytes | None = None
    """How a message begins that answers nothing."""
    batch_size: Callable[[bytes], int] | None = None
    """How many streams shared the run of an answer."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one server gave during one round."""

    rate: float
    """Messages answered per second, by all streams together."""
    p50_us: float
    """Round trip."""
    p99_us: float
    cpu_us: float
    """The server's CPU time per message."""
    batches: Mapping[int, int] = field(default_factory=dict)
    """Of a sample of the answers: how many came from a run of so many streams."""

    @property
    def busy(self) -> float:
        """The server's share of its core, 0 to 1."""
        return self.rate * self.cpu_us * 1e-6


async def run_round(
    address: str,
    conversation: Conversation,
    cpu_seconds: Callable[[], float],
    *,
    streams: int,
    warm_up: float,
    seconds: float,
    pause: float = 0.0,
) -> Round:
    """Loads the server with `streams` streams of one connection and measures for `seconds`.

    A stream waits `pause` seconds after each answer. Raises LoadFailed.
    """
    async with loaded(address, conversation, streams=streams, pause=pause) as load:
        await asyncio.sleep(warm_up)
        first = load.mark(cpu_seconds())
        await asyncio.sleep(seconds)
        last = load.mark(cpu_seconds())
    return summary(load, first, last)


@asynccontextmanager
async def loaded(
    address: str, conversation: Conversation, *, streams: int, pause: float = 0.0
) -> AsyncIterator[Load]:
    """All streams are open when it begins, and closed when it ends. Raises LoadFailed."""
    async with grpc.aio.insecure_channel(address) as channel:
        load = Load(channel, conversation, pause)
        async with asyncio.timeout(_OPEN_LIMIT):
            calls = await asyncio.gather(*(load.open() for _ in range(streams)))
        try:
            async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as tasks:
                for call in calls:
                    tasks.create_task(load.converse(call))
                yield load
                load.stopped = True
                limit.reschedule(asyncio.get_running_loop().time() + _CLOSE_LIMIT)
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures


class Mark(NamedTuple):
    """A moment of a round."""

    answered: int
    sampled: int
    cpu: float
    time: float


def summary(load: Load, first: Mark, last: Mark) -> Round:
    """What the server gave between two moments. Raises LoadFailed."""
    answered = last.answered - first.answered
    if answered < _SAMPLED:
        raise LoadFailed(f"{answered} answers in {last.time - first.time:.1f} s say nothing")
    p50, p99 = np.percentile(load.round_trips[first.answered : last.answered], [50, 99])
    return Round(
        rate=answered / (last.time - first.time),
        p50_us=float(p50) * 1e6,
        p99_us=float(p99) * 1e6,
        cpu_us=(last.cpu - first.cpu) / answered * 1e6,
        batches=load.batches(first.sampled, last.sampled),
    )


class Load:
    """The streams of one connection."""

    def __init__(self, channel: grpc.aio.Channel, conversation: Conversation, pause: float) -> None:
        self._begin: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            conversation.method
        )
        self._conversation = conversation
        self._pause = pause
        self._sampled: list[bytes] = []
        self.stopped = False
        self.round_trips: list[float] = []
        """Seconds, of all streams, as they were answered."""

    def mark(self, cpu: float) -> Mark:
        return Mark(len(self.round_trips), len(self._sampled), cpu, time.perf_counter())

    def batches(self, first: int, last: int) -> Mapping[int, int]:
        """Of the sampled answers from one number to another."""
        batch_size = self._conversation.batch_size
        return Counter(map(batch_size, self._sampled[first:last])) if batch_size else {}

    async def open(self) -> Call:
        call = self._begin()
        await call.write(self._conversation.opening)
        await self._answer(call)
        return call

    async def converse(self, call: Call) -> None:
        clock, round_trips, sampled = time.perf_counter, self.round_trips, self._sampled
        for timestep, message in enumerate(self._conversation.steps):
            sent = clock()
            await call.write(message)
            answer = await self._answer(call)
            round_trips.append(clock() - sent)
            if len(round_trips) % _SAMPLED == 0:
                sampled.append(answer)
            if self.stopped:
                self._check(timestep, answer)
                break
            if self._pause:
                # No two streams keep step.
                await asyncio.sleep(random.uniform(0.5, 1.5) * self._pause)
        else:
            raise LoadFailed("the steps ran out before the round was over")
        await self._close(call)

    async def _answer(self, call: Call) -> bytes:
        while True:
            answer = await call.read()
            if not isinstance(answer, bytes):
                reason = await call.details() or await call.code()
                raise LoadFailed(f"the server ended a call: {reason}")
            if self._conversation.aside is None or not answer.startswith(self._conversation.aside):
                return answer

    def _check(self, timestep: int, answer: bytes) -> None:
        if not self._conversation.accepts(timestep, answer):
            raise LoadFailed(f"timestep {timestep} got no output but {answer[:200]!r}")

    async def _close(self, call: Call) -> None:
        await call.write(self._conversation.closing)
        await call.done_writing()
        while await call.read() is not grpc.aio.EOF:
            pass
