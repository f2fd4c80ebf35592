"""All streams of a recording, asked again in their order of time or as fast as can be."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass

import grpc

from loadtest import wording
from loadtest.account import Account, merge
from loadtest.interval import Interval
from loadtest.live import Live
from loadtest.load import Load, Target
from loadtest.outcome import Outcome
from loadtest.recording.comparison import Result
from loadtest.recording.part import Part, Stage, Timing
from loadtest.recording.recording import Recorded, Recording
from loadtest.talkers.talker import OPENING, PATIENCE, Served
from stepwire.channel import open_channel

_TICK = 0.25
"""Seconds."""
_LEAD = 0.5
"""Seconds before its first step that a stream is opened."""
_NOTICE = 0.05
"""Seconds until the first step, once the first streams are open."""
_AT_ONCE = 64
"""Streams, where no time says when each is there."""
_SHORTEST = 0.25
"""Seconds that a replay counts as, at least."""
_MESSAGE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a recording is to be replayed."""

    model: str | None
    """In place of the recorded ones."""
    version: int | None
    speed: float | None
    """None: as fast as answers come."""
    atol: float | None


@dataclass(frozen=True)
class Replay:
    """What a replay came to."""

    results: Sequence[Result]
    outcome: Outcome


def replayable(recording: Recording) -> list[Recorded]:
    """In the order of their first steps."""
    streams = [each for each in recording.streams.values() if each.whole and len(each.steps)]
    return sorted(streams, key=lambda each: each.steps.asked_us(0))


class Player:
    def __init__(
        self, recording: Recording, streams: Sequence[Recorded], wish: Wish, live: Live
    ) -> None:
        """`streams`: at least one, in the order of their first steps."""
        self._recording = recording
        self._streams = streams
        self._wish = wish
        self._live = live
        self._timing = Timing(streams[0].steps.asked_us(0), wish.speed)
        self._load = self._asked()
        self._account = Account(self._load.interval)
        self._intervals: dict[int, Interval] = {}
        self._zero = time.monotonic()
        self._parts: list[Part] = []
        self._stop = asyncio.Event()

    async def run(self, target: Target) -> Replay:
        """Until all is answered or an interrupt comes."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._interrupt)
        security = target.security
        async with open_channel(target.address, security, _MESSAGE_BYTES) as channel:
            stage = self._stage(channel, security.metadata())
            self._parts = [
                Part(stage, number, Result(each, len(each.steps)))
                for number, each in enumerate(self._streams)
            ]
            spent = time.process_time()
            playing = asyncio.create_task(self._play())
            try:
                while not (await asyncio.wait([playing], timeout=_TICK))[0]:
                    self._look()
                await playing
            finally:
                playing.cancel()
                self._look()
                self._live.clear()
        elapsed = max(self._now(), 1e-6)
        return self._made(elapsed, (time.process_time() - spent) / elapsed)

    def _stage(self, channel: grpc.aio.Channel, metadata: tuple[tuple[str, str], ...]) -> Stage:
        return Stage(
            recording=self._recording,
            channel=channel,
            metadata=metadata,
            model=self._wish.model,
            version=self._wish.version,
            atol=self._wish.atol,
            timing=self._timing,
            account=self._account,
            now=self._now,
        )

    async def _play(self) -> None:
        if self._wish.speed is None:
            self._zero = time.monotonic()
            await _each(self._parts, _AT_ONCE, self._soon)
            return
        first = [part for part in self._parts if part.begins <= _LEAD]
        await _each(first, OPENING, Part.open)
        self._zero = time.monotonic() + _NOTICE
        await _each(self._parts, len(self._parts), self._timely)

    async def _soon(self, part: Part) -> None:
        if not self._stop.is_set():
            await part.open()
            await part.play()

    async def _timely(self, part: Part) -> None:
        if part.begins > _LEAD:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, part.begins - _LEAD - self._now())):
                    await self._stop.wait()
            if self._stop.is_set():
                return
            await part.open()
        await part.play()

    def _interrupt(self) -> None:
        self._stop.set()
        for part in self._parts:
            part.stop()

    def _now(self) -> float:
        """Seconds of the replay."""
        return time.monotonic() - self._zero

    def _look(self) -> None:
        merge(self._intervals, self._account.take())
        self._live.show(line(self._now(), [part.result for part in self._parts]))

    def _asked(self) -> Load:
        """The replay as a load, of the rate that its streams have in the mean."""
        steps = sum(len(each.steps) for each in self._streams)
        ends = max(each.steps.asked_us(len(each.steps) - 1) for each in self._streams)
        seconds = (ends - self._timing.zero_us) / 1e6 / (self._wish.speed or 1.0)
        duration = max(seconds, _SHORTEST)
        timed = self._wish.speed is not None
        return Load(
            model=self._wish.model or self._streams[0].begun.model,
            version=self._wish.version,
            protocol="native",
            streams=len(self._streams),
            rate=steps / duration / len(self._streams) if timed else None,
            arrivals="recorded",
            duration=duration,
            ramp=0.0,
            drain=PATIENCE,
            seed=0,
        )

    def _made(self, elapsed: float, busy: float) -> Replay:
        results = [part.result for part in self._parts]
        outcome = Outcome(
            load=self._load,
            served=_together([each.served for each in results if each.served]),
            processes=1,
            intervals=self._intervals,
            elapsed=elapsed,
            interrupted=self._stop.is_set(),
            busy=(busy,),
        )
        return Replay(results, outcome)


async def _each(
    parts: Sequence[Part], at_once: int, work: Callable[[Part], Coroutine[None, None, None]]
) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(part: Part) -> None:
        async with gate:
            await work(part)

    async with asyncio.TaskGroup() as tasks:
        for part in parts:
            tasks.create_task(one(part))


def _together(served: Sequence[Served]) -> Served:
    """One name for all models that answer, as their names and versions are read one by one."""
    models = sorted(set(served))
    if not models:
        return Served("none", 0, "", ())
    *others, last = models
    names = ", ".join([*(f"{each.model}/{each.version}" for each in others), last.model])
    return last._replace(model=names)


def line(now: float, results: Sequence[Result]) -> str:
    """`now`: seconds of the replay."""
    steps = sum(each.steps for each in results)
    left = sum(each.unanswered for each in results)
    differ = sum(each.different for each in results)
    return f"{wording.clock(now)}, {steps - left:,} of {steps:,} steps, {differ:,} differ"
