"""kill -9 of the server under fleets: every stream of each of them goes on."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import stepwire
from stepwire.v1 import stream_pb2 as pb
from torture.arrays import keep_stepping_together
from torture.diary import Account, Diary, account
from torture.fleet import RawFleet
from torture.load import keep_stepping
from torture.member import account_of, mixed, total
from torture.package import NAME
from torture.processes import Reborn
from torture.promises import promised
from torture.proxy import Proxy, proxied
from torture.stores import STORES
from torture.witness import Witness

_WITHHELD = 0.2
"""Seconds, some rounds of saving, for which answers are withheld before each third crash."""
_MOST_STEPS = 20
"""Of each stream of a raw fleet between two looks at whether it is over."""
_LATER = 5
"""Steps of each stream of a raw fleet after an orderly restart at the end."""
_RAW, _SYNC = 2, 4
"""Raw fleets, and how many of their streams there are for each sync one."""
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class FleetCrashes:
    crashes: int
    account: Account
    unheard: int
    """Steps of raw fleets that a server had, and whose answers were cut off."""
    replayed: int
    """Steps of raw fleets that were answered, and lost by the server."""
    longest_pause: float
    """Seconds between two answers of a stream, restarts included."""
    seconds: float


async def crash_under_fleets(
    ground: Path, *, crashes: int, streams: int, up: tuple[float, float], seed: int = 0
) -> FleetCrashes:
    """Ends the server after a random time from `up`, in seconds, and starts it on its port.

    Of each three ends one is kill -9, one is that after answers were withheld for a while, one
    is orderly. `streams`: of each of two raw fleets, and of one of the client library, beside
    which a stream goes alone. The store is SQLite. Raises PromiseBroken.
    """
    repository = ground / "repository"
    witnesses = Witness(repository), Witness(repository, hidden=24, seed=1, name="other")
    started = time.monotonic()
    with STORES["sqlite"](ground) as url:
        flags = ("--store", url, "--takeover-wait", "0.3")
        with Reborn(repository, *flags, log=ground / "server.log") as server:
            async with proxied(server) as proxy:
                load = _Load(witnesses, streams)
                over = asyncio.Event()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(load.run(proxy.address, over, seed))
                    await _crash(server, proxy, crashes, up, random.Random(seed))
                    over.set()
            await server.restart()
            await load.resume(server.address)
    done = load.account()
    done.hold()
    promised(load.unheard > 0, f"none of {crashes} crashes came before an answer")
    seconds = time.monotonic() - started
    return FleetCrashes(crashes, done, load.unheard, load.replayed, load.longest_pause, seconds)


async def _crash(
    server: Reborn, proxy: Proxy, crashes: int, up: tuple[float, float], source: random.Random
) -> None:
    for number in range(crashes):
        await asyncio.sleep(source.uniform(*up))
        if number % 3 == 2:
            await server.restart()
            continue
        if number % 3 == 1:
            proxy.swallow_answers()
            await asyncio.sleep(_WITHHELD)
        await server.crash()
        proxy.cut()


class _Load:
    def __init__(self, witnesses: Sequence[Witness], streams: int) -> None:
        self._witness = witnesses[0]
        numbers = range(_RAW * streams)
        self._members = [mixed(witnesses, numbers[raw::_RAW], sync=_SYNC) for raw in range(_RAW)]
        first = len(numbers)
        self._diaries = [Diary(first + number) for number in range(streams)]
        self._alone = Diary(first + streams)
        self.unheard = 0
        self.replayed = 0

    async def run(self, address: str, over: asyncio.Event, seed: int) -> None:
        async with (
            stepwire.connect(address, retry_for=_PATIENCE) as client,
            stepwire.connect(address, retry_for=_PATIENCE) as other,
            client.fleet(NAME, len(self._diaries)) as fleet,
            other.stream(NAME) as alone,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(
                keep_stepping(alone, self._witness, self._alone, until=over, interval=0.01)
            )
            tasks.create_task(
                keep_stepping_together(
                    fleet, self._witness, self._diaries, until=over, source=random.Random(seed)
                )
            )
            for raw in range(_RAW):
                tasks.create_task(self._run_raw(raw, address, over, random.Random(f"{seed} {raw}")))

    async def _run_raw(
        self, raw: int, address: str, over: asyncio.Event, source: random.Random
    ) -> None:
        async with RawFleet(address, crashes=True) as fleet:
            fleet.take(self._members[raw], pb.OPEN_MODE_CREATE)
            while not over.is_set():
                fleet.ask(source.randint(1, _MOST_STEPS))
                await fleet.settle()
            self.unheard += fleet.streams.unheard
            self.replayed += fleet.streams.replayed

    async def resume(self, address: str) -> None:
        """The server that stopped in order has saved whatever was answered."""
        async with RawFleet(address) as fleet:
            for members in self._members:
                fleet.take(members, pb.OPEN_MODE_RESUME, steps=_LATER, leave=True)
            await fleet.settle()

    def account(self) -> Account:
        raw = account_of([member for members in self._members for member in members])
        return total([raw, account(self._witness, [*self._diaries, self._alone])])

    @property
    def longest_pause(self) -> float:
        raw = (member.diary for members in self._members for member in members)
        return max(diary.longest_pause for diary in (*raw, *self._diaries, self._alone))
