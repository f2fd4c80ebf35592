"""The load: streams of the witness that step on whatever happens, and keep a diary."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import stepwire
from torture.diary import Diary, ask
from torture.package import NAME
from torture.promises import PromiseBroken, promised
from torture.witness import Witness

_LOOK = 0.01
"""Seconds between two looks at what the streams have made."""


async def keep_stepping(
    stream: stepwire.Stream,
    witness: Witness,
    diary: Diary,
    *,
    until: asyncio.Event,
    interval: float,
    in_flight: int = 1,
) -> None:
    """Steps on every `interval` seconds, with at most `in_flight` steps unanswered."""
    unanswered: deque[asyncio.Task[None]] = deque()
    step = len(diary.seen)
    try:
        while not until.is_set():
            unanswered.append(asyncio.create_task(ask(stream, witness, diary, step)))
            step += 1
            if len(unanswered) >= in_flight:
                await unanswered.popleft()
            await asyncio.sleep(interval)
        while unanswered:
            await unanswered.popleft()
    finally:
        for task in unanswered:
            task.cancel()


@dataclass(frozen=True, slots=True)
class Manner:
    """How a stream of the load behaves."""

    interval: float
    """Seconds between two steps."""
    in_flight: int = 1
    sync: bool = False
    on_unprotected: Literal["continue", "wait"] = "continue"
    replay_bytes: int = 2**20


MIXED = (
    Manner(interval=0.02),
    Manner(interval=0.02, in_flight=8),
    Manner(interval=0.0, in_flight=8, on_unprotected="wait", replay_bytes=20_000),
    Manner(interval=0.01, sync=True),
)
"""Loops that wait for each answer, senders ahead of their answers, one as fast as the store
lets it, and one that wants every answer saved."""


class Load:
    """Streams of a client that step on until they are told to stop."""

    def __init__(
        self,
        client: stepwire.Client,
        witness: Witness,
        manners: Sequence[Manner],
        first: int = 0,
    ) -> None:
        """`first`: the number of the first stream."""
        self._client = client
        self._witness = witness
        self._manners = manners
        self._over = asyncio.Event()
        self.diaries = [Diary(first + number) for number in range(len(manners))]
        self.streams: list[stepwire.Stream] = []

    async def open(self) -> None:
        """Opens the streams."""
        for manner in self._manners:
            stream = self._client.stream(
                NAME,
                sync=manner.sync,
                on_unprotected=manner.on_unprotected,
                replay_bytes=manner.replay_bytes,
            )
            await stream.open()
            self.streams.append(stream)

    async def run(self) -> None:
        """Steps until `stop`."""
        async with asyncio.TaskGroup() as tasks:
            for stream, manner, diary in self._each():
                stepping = keep_stepping(
                    stream,
                    self._witness,
                    diary,
                    until=self._over,
                    interval=manner.interval,
                    in_flight=manner.in_flight,
                )
                tasks.create_task(stepping)

    def _each(self) -> Iterator[tuple[stepwire.Stream, Manner, Diary]]:
        return zip(self.streams, self._manners, self.diaries, strict=True)

    def stop(self) -> None:
        self._over.set()

    async def progress(self, steps: int, within: float) -> None:
        """Waits until each stream has made so many steps more. Raises PromiseBroken."""
        goals = [len(diary.seen) + steps for diary in self.diaries]
        try:
            async with asyncio.timeout(within):
                while any(map(_is_behind, self.diaries, goals)):
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            behind = sum(map(_is_behind, self.diaries, goals))
            raise PromiseBroken(
                f"{behind} of {len(goals)} streams made less than {steps} steps in {within:g} s"
            ) from None

    async def make(self, steps: int) -> None:
        """Makes some steps on each stream, one after another."""
        for stream, _, diary in self._each():
            for step in range(len(diary.seen), len(diary.seen) + steps):
                await ask(stream, self._witness, diary, step)

    async def detach(self) -> None:
        for stream in self.streams:
            await stream.detach()

    async def resume(self, client: stepwire.Client, steps: int) -> None:
        """Resumes each stream where its diary ends, makes some steps, and detaches it."""
        for place, diary in enumerate(self.diaries):
            stream = self.streams[place]
            again = client.stream(NAME, stream_id=stream.id, token=stream.token, mode="resume")
            await again.open()
            made = len(diary.seen)
            promised(
                again.next_step == made,
                f"a stream that made {made} steps was resumed at {again.next_step}",
            )
            self.streams[place] = again
        await self.make(steps)
        await self.detach()

    @property
    def lengths(self) -> list[int]:
        """Steps answered, of each stream."""
        return [len(diary.seen) for diary in self.diaries]

    @property
    def durable_steps(self) -> list[int]:
        """Of each stream, as far as its client knows."""
        return [stream.durable_step for stream in self.streams]

    @property
    def longest_pause(self) -> float:
        """Seconds between two answers of a stream."""
        return max(diary.longest_pause for diary in self.diaries)

    def forget_pauses(self) -> None:
        for diary in self.diaries:
            diary.longest_pause = 0.0


def _is_behind(diary: Diary, goal: int) -> bool:
    return len(diary.seen) < goal
