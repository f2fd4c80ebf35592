"""One process' share of a run: has its steps sent when they are due, and notes what comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from loadtest.account import Account
from loadtest.load import Load
from loadtest.schedule import Arrival, arrivals
from loadtest.talkers.talker import Answer, Talker


class Run:
    """Hears of each answer; `pace` sends what is due."""

    def __init__(
        self,
        load: Load,
        streams: Sequence[int],
        account: Account,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock`: that of the loop's timers, and finer than some loops tell it."""
        self._load = load
        self._account = account
        self._arrivals: Iterator[Arrival] = arrivals(load, streams)
        self._upcoming = next(self._arrivals, None)
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._zero = 0.0
        self._over = asyncio.Event()
        self._unanswered = 0
        self._settled = asyncio.Event()
        self._talker: Talker | None = None

    def now(self) -> float:
        """Seconds, as those of arrivals."""
        return self._clock() - self._zero

    def heard(self, arrival: Arrival, answer: Answer) -> None:
        now = self.now()
        if answer.error and answer.lost:
            self._account.lost(arrival, now, answer.error)
        elif answer.error:
            self._account.failed(arrival, answer.error)
        else:
            self._account.answered(arrival, now, answer.batch_size, answer.queued, answer.computed)
        self._unanswered -= 1
        if self._load.rate is None and now < self._load.duration and not self._over.is_set():
            self._send(Arrival(now, arrival.stream, arrival.following), now)
        if not self._unanswered and self._over.is_set():
            self._settled.set()

    def stop(self) -> None:
        """No further step is sent, and the run is over."""
        self._account.ends(self.now())
        self._over.set()

    async def pace(self, talker: Talker, zero: float) -> None:
        """Sends every step when it is due, awaits answers, and gives up what is left.

        `zero`: what the times of the load count from, on the clock.
        """
        self._talker, self._zero = talker, zero
        self._loop.call_soon(self._turn)
        try:
            await self._until_over()
        finally:
            self.stop()
        if self._unanswered:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), self._load.drain)
        gave_up = self.now()
        for arrival in await talker.close():
            self._account.lost(arrival, gave_up)

    async def _until_over(self) -> None:
        left = self._load.duration - self.now()
        try:
            async with asyncio.timeout(max(0.0, left)):
                await self._over.wait()
        except TimeoutError:
            self._turn()  # what was due since the last turn

    def _turn(self) -> None:
        """Sends what is due, and comes again when more is."""
        now = self.now()
        while self._upcoming and self._upcoming.at <= now and not self._over.is_set():
            self._send(self._upcoming, now)
            self._upcoming = next(self._arrivals, None)
        if self._upcoming and not self._over.is_set():
            self._loop.call_at(self._zero + self._upcoming.at, self._turn)

    def _send(self, arrival: Arrival, now: float) -> None:
        assert self._talker
        self._account.due(arrival, now)
        self._unanswered += 1
        self._talker.due(arrival)
