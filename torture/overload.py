"""Twice the load that fits: who is admitted is served as if alone, in bounded memory."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

import stepwire
from torture.diary import Account, Diary, account, ask
from torture.memory import Memory
from torture.package import NAME
from torture.processes import running
from torture.promises import promised
from torture.witness import Witness

_ASK_AGAIN = 1.0
"""Seconds after which a refused client asks again."""
_LOOK = 0.05
"""Seconds after which more are sent to ask."""
_WARM_UP_STEPS = 20
_MOST_ADMITTED = 500


class Round(NamedTuple):
    """One stream by itself, then twice as many as fit."""

    offered: int
    """Streams."""
    admitted: int
    refusals: int
    alone_p99_ms: float
    """From when a step is due to its answer, of one stream by itself."""
    loaded_p99_ms: float
    """Of all that are admitted, while the others ask."""

    @property
    def ratio(self) -> float:
        return self.loaded_p99_ms / self.alone_p99_ms


@dataclass(frozen=True, slots=True)
class Overload:
    offered: int
    admitted: int
    refusals: int
    alone_p99_ms: float
    loaded_p99_ms: float
    """These five are of the round whose ratio of p99s is the median."""
    ratios: Sequence[float]
    """Of the p99s, round by round."""
    grown_bytes: int
    """How far the server's resident memory rose."""
    account: Account
    seconds: float


async def offer_twice_the_load(
    ground: Path,
    *,
    hidden: int,
    rate_hz: float,
    rounds: int,
    seconds: float,
    most_ratio: float | None,
    most_grown: int,
    seed: int = 0,
) -> Overload:
    """Streams of a GRU of two layers, that declare their rate and keep to it.

    `seconds`: of each half of a round; both halves meet the same machine. Raises
    PromiseBroken, also where the p99 of those admitted is above `most_ratio` times that of one
    alone (None: it is not judged), or memory grows by more than `most_grown` bytes.
    """
    witness = Witness(ground / "repository", hidden=hidden, layers=2)
    started = time.monotonic()
    with running(witness.repository, log=ground / "server.log") as server:
        memory = Memory(server.process.pid)
        async with stepwire.connect(server.address) as client, asyncio.TaskGroup() as tasks:
            trial = _Trial(client, witness, rate_hz, seed)
            watching = tasks.create_task(memory.watch(lambda: 1.0))
            measured = [await trial.round(seconds) for _ in range(rounds)]
            watching.cancel()
    done = account(witness, trial.diaries)
    done.hold()
    middle = sorted(measured, key=lambda each: each.ratio)[rounds // 2]
    promised(
        most_ratio is None or middle.ratio <= most_ratio,
        f"the p99 of {middle.admitted} admitted streams is {middle.ratio:.2f} times that of one "
        f"alone: {middle.loaded_p99_ms:.2f} ms and {middle.alone_p99_ms:.2f} ms",
    )
    grown = memory.peak - memory.first
    promised(grown <= most_grown, f"memory grew by {grown} bytes")
    ratios = [each.ratio for each in measured]
    return Overload(*middle, ratios, grown, done, time.monotonic() - started)


class _Trial:
    def __init__(
        self, client: stepwire.Client, witness: Witness, rate_hz: float, seed: int
    ) -> None:
        self._client = client
        self._witness = witness
        self._rate_hz = rate_hz
        self._random = random.Random(seed)
        self.diaries: list[Diary] = []
        self.offered = 0
        self.admitted = 0
        self.refusals = 0

    async def round(self, seconds: float) -> Round:
        self.offered = self.admitted = self.refusals = 0
        alone = await self._alone(seconds)
        loaded = await self._crowded(seconds)
        return Round(self.offered, self.admitted, self.refusals, alone, loaded)

    async def _alone(self, seconds: float) -> float:
        """The p99 of one stream, in milliseconds."""
        stream = self._stream()
        await stream.open()
        return _p99_ms(await self._step_on(stream, seconds))

    async def _crowded(self, seconds: float) -> float:
        """The p99 of all that are admitted, while always twice as many are there or ask."""
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            clients = []
            while time.monotonic() < until:
                while self.offered < max(2, 2 * self.admitted):
                    self.offered += 1
                    clients.append(tasks.create_task(self._ask(until)))
                promised(self.admitted < _MOST_ADMITTED, "every stream was admitted")
                await asyncio.sleep(_LOOK)
        return _p99_ms([wait for each in clients for wait in each.result()])

    async def _admits(self, stream: stepwire.Stream) -> bool:
        try:
            await stream.open()
        except stepwire.NoCapacity as error:
            promised("is left" in str(error), f"a refusal does not say what is left: {error}")
            self.refusals += 1
            return False
        return True

    async def _ask(self, until: float) -> list[float]:
        """Asks until it is admitted, and then steps."""
        while (left := until - time.monotonic()) > 0:
            stream = self._stream()
            if await self._admits(stream):
                self.admitted += 1
                return await self._step_on(stream, left)
            await asyncio.sleep(_ASK_AGAIN * self._random.uniform(0.5, 1.5))
        return []

    def _stream(self) -> stepwire.Stream:
        return self._client.stream(NAME, rate_hz=self._rate_hz)

    async def _step_on(self, stream: stepwire.Stream, seconds: float) -> list[float]:
        """Steps at the rate, whether answers come or not; seconds from due to answered."""
        diary = Diary(len(self.diaries))
        self.diaries.append(diary)
        interval = 1 / self._rate_hz
        due = time.monotonic() + self._random.uniform(0, interval)
        waits: list[float] = []

        async def take(step: int, due: float) -> None:
            await ask(stream, self._witness, diary, step)
            if step >= _WARM_UP_STEPS:
                waits.append(time.monotonic() - due)

        async with asyncio.TaskGroup() as steps:
            for step in range(round(seconds * self._rate_hz)):
                await asyncio.sleep(due - time.monotonic())
                steps.create_task(take(step, due))
                due += interval
        await stream.close()
        return waits


def _p99_ms(waits: Sequence[float]) -> float:
    return 1000 * float(np.percentile(waits, 99))
