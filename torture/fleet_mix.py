"""Fleets that are cut, robbed, lied to and overfilled, beside streams that must not notice."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import stepwire
from stepwire.v1 import stream_pb2 as pb
from torture.arrays import keep_stepping_together
from torture.diary import Account, Diary, account
from torture.fleet import RawFleet
from torture.load import keep_stepping
from torture.malformed import check
from torture.member import Member, account_of, mixed, total
from torture.package import NAME
from torture.processes import Server, running
from torture.promises import promised
from torture.proxy import proxied
from torture.robbery import rob
from torture.stores import STORES
from torture.tormented import Tormented, cut_soon
from torture.witness import Witness

_FLAGS = ("--checkpoint-interval", "0.02")
"""A sync stream waits as long for each answer."""
_SYNC = 4
"""How many streams there are for each sync one."""
_WINDOWS, _OVERFULL_STEPS = 3, 24
"""How many windows of steps are under way in a fleet that overfills them, and steps of a round."""
_ARRAYS = 6
"""Streams of a fleet of the client library."""


@dataclass(frozen=True, slots=True)
class FleetMix:
    rounds: int
    account: Account
    refused: int
    """Entries that were not sound, or late, or behind one that was refused."""
    senseless: int
    """Calls that ended by a message that makes no sense."""
    taken: int
    """Times that a stream was taken by another fleet, or by a call of its own."""
    beyond_window: int
    """Steps that were refused for that."""
    calls: int
    """Of all raw fleets."""
    seconds: float


async def mix_fleets(
    ground: Path, *, rounds: int, fleets: int, streams: int, seed: int = 0
) -> FleetMix:
    """Has `fleets` raw fleets of `streams` streams go through `rounds` rounds each.

    What happens to them is told by `Tormented`. Beside them a fleet overfills its windows,
    fleets of the client library are cut and robbed, and a stream goes alone. The store is
    SQLite. Raises PromiseBroken.
    """
    repository = ground / "repository"
    witnesses = Witness(repository), Witness(repository, hidden=24, seed=1, name="other")
    started = time.monotonic()
    with STORES["sqlite"](ground) as url:
        flags = ("--store", url, *_FLAGS)
        with running(repository, *flags, log=ground / "server.log") as server:
            mix = _Mix(server, witnesses, seed)
            await mix.run(rounds, fleets, streams)
            check(server)
    done = mix.account()
    done.hold()
    return FleetMix(
        rounds * fleets,
        done,
        mix.refused,
        sum(fleet.ended_by_nonsense for fleet in mix.fleets),
        sum(each.taken for each in mix.tormented),
        mix.beyond_window,
        sum(fleet.calls for fleet in mix.fleets),
        time.monotonic() - started,
    )


class _Mix:
    def __init__(self, server: Server, witnesses: Sequence[Witness], seed: int) -> None:
        self._server = server
        self._witnesses = witnesses
        self._seed = seed
        self._members: list[Member] = []
        self._diaries: list[Diary] = []
        self.tormented: list[Tormented] = []

    @property
    def fleets(self) -> Sequence[RawFleet]:
        return [each.fleet for each in self.tormented]

    @property
    def refused(self) -> int:
        return sum(fleet.streams.refused.total() for fleet in self.fleets)

    def account(self) -> Account:
        alone = account(self._witnesses[0], self._diaries)
        return total([account_of(self._members), alone])

    async def run(self, rounds: int, fleets: int, streams: int) -> None:
        over = asyncio.Event()
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as beside:
            for number in range(fleets):
                proxy = await stack.enter_async_context(proxied(self._server))
                source = random.Random(f"{self._seed} {number}")
                each = Tormented(proxy, self._server.address, self._new, source)
                self.tormented.append(each)
            for work in (self._go_alone, self._go_together, self._be_robbed, self._overfill):
                beside.create_task(work(over))
            async with asyncio.TaskGroup() as tasks:
                for each in self.tormented:
                    tasks.create_task(each.run(rounds, streams, self.tormented))
            over.set()
        await self._check_gone()

    def _new(self, streams: int) -> list[Member]:
        first = len(self._members)
        new = mixed(self._witnesses, range(first, first + streams), sync=_SYNC)
        self._members += new
        return new

    def _new_diaries(self, streams: int) -> list[Diary]:
        first = len(self._diaries)
        new = [Diary(first + number) for number in range(streams)]
        self._diaries += new
        return new

    async def _go_alone(self, over: asyncio.Event) -> None:
        (diary,) = self._new_diaries(1)
        async with (
            stepwire.connect(self._server.address) as client,
            client.stream(NAME) as stream,
        ):
            await keep_stepping(stream, self._witnesses[0], diary, until=over, interval=0.005)

    async def _go_together(self, over: asyncio.Event) -> None:
        diaries, source = self._new_diaries(_ARRAYS), random.Random(f"{self._seed} together")
        async with (
            proxied(self._server) as proxy,
            stepwire.connect(proxy.address) as client,
            client.fleet(NAME, _ARRAYS) as fleet,
        ):
            stepping = keep_stepping_together(
                fleet, self._witnesses[0], diaries, until=over, source=source
            )
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(stepping)
                while not over.is_set():
                    cut_soon(proxy, source)
                    await asyncio.sleep(0.2)

    async def _be_robbed(self, over: asyncio.Event) -> None:
        source = random.Random(f"{self._seed} robbed")
        while not over.is_set():
            diaries = self._new_diaries(_ARRAYS)
            await rob(self._server.address, self._witnesses[0], diaries, source)

    async def _overfill(self, over: asyncio.Event) -> None:
        async with RawFleet(self._server.address) as fleet:
            fleet.take(self._new(_ARRAYS), pb.OPEN_MODE_CREATE, overfill=_WINDOWS)
            while not over.is_set():
                fleet.ask(_OVERFULL_STEPS)
                await fleet.settle()
            self.beyond_window = fleet.streams.refused[pb.StepError.CODE_RESOURCE_EXHAUSTED]
        promised(fleet.calls == 1, "a call whose windows were overfilled ended")
        promised(self.beyond_window > 0, "no step was refused for being beyond its window")

    async def _check_gone(self) -> None:
        closed = [member for fleet in self.fleets for member in fleet.streams.closed]
        async with RawFleet(self._server.address) as fleet:
            found = await fleet.find(closed)
        promised(not found, f"{len(found)} of {len(closed)} closed streams are still there")
