"""Streams that have a call each."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Any, Generic

from loadtest.schedule import Arrival
from loadtest.talkers.backlog import Backlog
from loadtest.talkers.dialect import Dialect, Request, Response
from loadtest.talkers.talker import OPENED, OPENING, PATIENCE, PAUSE, Answer, Ears, Served
from stepwire.call import Call, both
from stepwire.errors import StepwireError


class Line(Generic[Request, Response]):
    """One stream in its call, opened again whenever that breaks."""

    def __init__(self, dialect: Dialect[Request, Response], ears: Ears) -> None:
        self.backlog = Backlog()
        self._dialect = dialect
        self._ears = ears
        self._speaks = False
        """Whether there is a call, in which the stream can say goodbye."""
        self._news = asyncio.Event()
        self._leaving = False
        self._opening: asyncio.Task[Served] | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> Served:
        """Goes on until `close`, also where nobody waits for it any more."""
        self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> Served:
        call, served = await self._greet()
        self._speaks = True
        self._task = asyncio.create_task(self._run(call))
        return served

    def due(self, arrival: Arrival) -> None:
        self.backlog.add(arrival)
        self._news.set()

    async def close(self) -> list[Arrival]:
        if self._opening:
            await asyncio.wait([self._opening], timeout=OPENED)
            self._opening.cancel()
            await asyncio.wait([self._opening])
        self._leaving = True
        abandoned = self.backlog.abandoned()
        self._news.set()
        if self._task:
            if self._speaks:
                await asyncio.wait([self._task], timeout=PATIENCE)
            self._task.cancel()
            await asyncio.wait([self._task])
        return abandoned

    async def _greet(self) -> tuple[Call[Request, Response], Served]:
        try:
            async with asyncio.timeout(PATIENCE):
                call = await self._dialect.begin()
                try:
                    window, served = await self._dialect.greet(call)
                except BaseException:
                    call.cancel()
                    raise
        except TimeoutError as error:
            raise StepwireError(f"no answer to an open within {PATIENCE:g} s") from error
        self.backlog.begin(window)
        return call, served

    async def _run(self, call: Call[Request, Response]) -> None:
        while True:
            try:
                await both(self._speak(call), self._listen(call))
            except StepwireError as error:
                broken = error
            finally:
                self._speaks = False
                call.cancel()
            if self._leaving:
                return
            self._lost(broken)
            call = await self._open_again()
            self._speaks = True

    async def _open_again(self) -> Call[Request, Response]:
        while True:
            await asyncio.sleep(PAUSE * random.uniform(0.5, 1.0))
            try:
                call, _ = await self._greet()
            except StepwireError:
                continue
            return call

    def _lost(self, broken: StepwireError) -> None:
        answer = Answer(error=type(broken).__name__, lost=True)
        for arrival in self.backlog.lost():
            self._ears.heard(arrival, answer)

    async def _speak(self, call: Call[Request, Response]) -> None:
        while not self._leaving:
            self._news.clear()  # before the look: what happens during a `say` is news
            while self.backlog.ready:
                if not await call.say(self._dialect.step(self.backlog.send())):
                    return
            await self._news.wait()
        await call.say(self._dialect.goodbye())
        await call.say_no_more()

    async def _listen(self, call: Call[Request, Response]) -> None:
        while True:
            answer = self._dialect.read(await call.hear())
            if answer is None or self._leaving:
                continue
            if answer.error:
                arrival = self.backlog.refused(answer.next_step)
            else:
                arrival = self.backlog.answered()
            if self.backlog.ready:
                self._news.set()
            self._ears.heard(arrival, answer)


class Lines:
    """The streams of one connection."""

    def __init__(
        self, streams: Iterable[int], dialect: Callable[[int], Dialect[Any, Any]], ears: Ears
    ) -> None:
        """`dialect`: that of a stream, by its number."""
        self._lines = {stream: Line(dialect(stream), ears) for stream in streams}

    async def open(self) -> Served:
        gate = asyncio.Semaphore(OPENING)

        async def one(line: Line[Any, Any]) -> Served:
            async with gate:
                return await line.open()

        async with asyncio.TaskGroup() as tasks:
            opened = [tasks.create_task(one(line)) for line in self._lines.values()]
        return opened[0].result()

    def due(self, arrival: Arrival) -> None:
        self._lines[arrival.stream].due(arrival)

    async def close(self) -> list[Arrival]:
        left = await asyncio.gather(*(line.close() for line in self._lines.values()))
        return [arrival for each in left for arrival in each]
