"""Two servers believe that they own a stream: one history becomes durable, and nobody sees both."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import stepwire
from service.core.model import Array
from torture.load import Account, Diary, account, ask
from torture.package import NAME
from torture.processes import Reborn, running
from torture.promises import PromiseBroken, promised
from torture.proxy import Proxy, proxied
from torture.stores import redis_running
from torture.witness import Witness

_FLAGS = ("--store-timeout", "0.3", "--takeover-wait", "0.3")
_INTERVAL = 0.01
"""Seconds between two steps of a stream."""
_BEFORE, _BOTH, _AFTER = 10, 10, 5
"""Steps of a stream before the servers are parted, at each of them, and afterwards."""
_SETTLED = 0.7
"""Seconds after which no answer of the store is under way any more."""
_PATIENCE = 20.0
_LOOK = 0.01
_SHARED = re.compile(r"its steps before (\d+)")


class Parting(Enum):
    """How the first server loses the store, which the second one reaches."""

    CUT = "cut"
    """Its connections break, and it finds nobody."""
    FROZEN = "frozen"
    """Nothing passes; what it has written arrives later."""
    DEAF = "deaf"
    """What it writes arrives, and no answer to it."""

    def begin(self, proxy: Proxy) -> None:
        if self is Parting.CUT:
            proxy.down()
        elif self is Parting.FROZEN:
            proxy.freeze()
        else:
            proxy.swallow_answers()

    async def end(self, proxy: Proxy) -> None:
        if self is Parting.CUT:
            await proxy.up()
        elif self is Parting.FROZEN:
            proxy.thaw()
        else:
            proxy.cut()


@dataclass(frozen=True, slots=True)
class TwoOwners:
    partings: int
    streams: int
    account: Account
    """Of both histories of each stream."""
    discarded: int
    """Steps that the first servers answered and that did not become durable."""
    seconds: float


async def give_streams_two_owners(
    ground: Path, *, partings: Sequence[Parting], streams: int
) -> TwoOwners:
    """Each time `streams` streams, a quarter of them and at least one sync, get a second owner.

    Raises PromiseBroken or NotInstalled.
    """
    witness = Witness(ground / "repository")
    folder = ground / "redis"
    folder.mkdir()
    started = time.monotonic()
    disputes: list[_Dispute] = []
    with redis_running(folder) as redis:
        async with proxied(redis) as proxy, AsyncExitStack() as stack:
            first = stack.enter_context(
                running(
                    witness.repository,
                    *("--store", f"redis://{proxy.address}/0", *_FLAGS),
                    log=ground / "first.log",
                )
            )
            second = stack.enter_context(
                Reborn(
                    witness.repository,
                    *("--store", redis.url, *_FLAGS),
                    log=ground / "second.log",
                )
            )
            here = await stack.enter_async_context(stepwire.connect(first.address))
            there = await stack.enter_async_context(stepwire.connect(second.address))
            for parting in partings:
                now = [
                    _Dispute(witness, here, there, number, sync=number % 4 == 0)
                    for number in range(len(disputes), len(disputes) + streams)
                ]
                disputes += now
                await _part(parting, proxy, second, now)

    def inputs(number: int, step: int) -> Array:
        return disputes[number // 2].input(number, step)

    done = account(witness, [diary for each in disputes for diary in each.diaries], inputs)
    done.hold()
    discarded = sum(dispute.discarded for dispute in disputes)
    seconds = time.monotonic() - started
    return TwoOwners(len(partings), len(disputes), done, discarded, seconds)


class _Dispute:
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


async def _part(
    parting: Parting, proxy: Proxy, second: Reborn, disputes: Sequence[_Dispute]
) -> None:
    try:
        await asyncio.gather(*(each.begin() for each in disputes))
        parting.begin(proxy)
        await asyncio.sleep(_SETTLED)
        await asyncio.gather(*(each.go_on_unsaved() for each in disputes))
        await asyncio.gather(*(each.take() for each in disputes))
        await parting.end(proxy)
        await asyncio.gather(*(each.settle() for each in disputes))
        await asyncio.gather(*(each.go_on() for each in disputes))
        await second.crash()
        await asyncio.gather(*(each.go_on() for each in disputes))
        await asyncio.gather(*(each.end() for each in disputes))
    finally:
        for each in disputes:
            each.cancel()


async def _made(diary: Diary, steps: int) -> None:
    """Waits for so many steps more. Raises PromiseBroken."""
    goal, deadline = len(diary.seen) + steps, time.monotonic() + _PATIENCE
    while len(diary.seen) < goal:
        promised(time.monotonic() < deadline, f"a stream stands at step {len(diary.seen)}")
        await asyncio.sleep(_LOOK)
