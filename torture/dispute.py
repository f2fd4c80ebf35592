"""A stream with two owners, and the clients of both."""

from __future__ import annotations

import asyncio
import re
import time

import stepwire
from service.core.model import Array
from torture.diary import Diary, ask
from torture.package import NAME
from torture.promises import PromiseBroken, promised
from torture.witness import Witness

_INTERVAL = 0.01
"""Seconds between two steps of a stream."""
_BEFORE, _BOTH, _AFTER = 10, 10, 5
"""Steps of a stream before the servers are parted, at each of them, and afterwards."""
_PATIENCE = 20.0
_LOOK = 0.01
_SHARED = re.compile(r"its steps before (\d+)")


class Dispute:
    """A stream, its client at the first server, and the one that takes it to the second."""

    def __init__(
        self,
        witness: Witness,
        here: stepwire.Client,
        there: stepwire.Client,
        number: int,
        *,
        sync: bool,
    ) -> None:
        self._witness = witness
        self._there = there
        self._sync = sync
        self._first = here.stream(NAME, sync=sync)
        self.here, self.there = Diary(2 * number), Diary(2 * number + 1)
        self._shared = 0
        """The steps of both histories: the second goes on with inputs of its own."""
        self._answered = 0
        self._over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._told: str | None = None

    @property
    def diaries(self) -> tuple[Diary, Diary]:
        return self.here, self.there

    def input(self, number: int, step: int) -> Array:
        """What the history of that number was given."""
        own = number == self.here.number or step >= self._shared
        return self._witness.input(number if own else self.here.number, step)

    async def begin(self) -> None:
        await self._first.open()
        self._tasks.append(asyncio.create_task(self._step_here()))
        await _made(self.here, _BEFORE)

    async def _step_here(self) -> None:
        try:
            while True:
                await ask(self._first, self._witness, self.here, len(self.here.seen))
                await asyncio.sleep(_INTERVAL)
        except stepwire.StreamTakenOver as told:
            self._told = str(told)

    async def go_on_unsaved(self) -> None:
        """The first server has lost the store."""
        self._answered = len(self.here.seen)
        if not self._sync:
            await _made(self.here, _BOTH)

    async def take(self) -> None:
        """The second client opens the stream at the second server, and both step."""
        second = self._there.stream(
            NAME, stream_id=self._first.id, token=self._first.token, mode="resume"
        )
        await second.open()
        self._shared = second.next_step
        saved = self._first.durable_step
        promised(self._shared >= saved, f"step {saved} was durable and {self._shared} came next")
        undisturbed = self._witness.undisturbed({self.here.number: self._shared})
        self.there.seen = [seen for _, _, seen in undisturbed]
        self._tasks.append(asyncio.create_task(self._step_there(second)))
        await _made(self.there, _BOTH)
        if self._sync:
            promised(
                len(self.here.seen) == self._answered <= self._shared,
                f"a sync stream answered {len(self.here.seen)} steps, of which {self._shared} "
                "became durable",
            )
        else:
            await _made(self.here, _BOTH)

    async def _step_there(self, second: stepwire.Stream) -> None:
        while not self._over.is_set():
            await ask(second, self._witness, self.there, len(self.there.seen))
            await asyncio.sleep(_INTERVAL)
        await second.close()

    async def settle(self) -> None:
        """The first server has the store again: its client is told, and does not come back."""
        deadline = time.monotonic() + _PATIENCE
        while self._told is None:
            promised(time.monotonic() < deadline, "the first client was never told of the second")
            await asyncio.sleep(_LOOK)
        found = _SHARED.search(self._told)
        promised(
            found is not None and int(found[1]) <= self._shared,
            f"{self._shared} steps are shared, and the first client was told: {self._told}",
        )
        try:
            await self._first.step(self._witness.input(self.here.number, 0))
        except stepwire.StreamTakenOver:
            return
        raise PromiseBroken("the first client took the stream back")

    async def go_on(self) -> None:
        await _made(self.there, _AFTER)

    async def end(self) -> None:
        self._over.set()
        await asyncio.gather(*self._tasks)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    @property
    def discarded(self) -> int:
        return max(0, len(self.here.seen) - self._shared)


async def _made(diary: Diary, steps: int) -> None:
    """Waits for so many steps more. Raises PromiseBroken."""
    goal, deadline = len(diary.seen) + steps, time.monotonic() + _PATIENCE
    while len(diary.seen) < goal:
        promised(time.monotonic() < deadline, f"a stream stands at step {len(diary.seen)}")
        await asyncio.sleep(_LOOK)
