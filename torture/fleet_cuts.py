"""The connection of a fleet is cut at every point; each step of each stream takes effect once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import stepwire
from stepwire.v1 import stream_pb2 as pb
from torture.arrays import step_some
from torture.diary import Account, Diary, account
from torture.fleet import RawFleet
from torture.member import Member, account_of, mixed, total
from torture.package import NAME
from torture.processes import running
from torture.promises import promised
from torture.proxy import Proxy, Way, proxied
from torture.witness import Witness

_STAYING, _STEPS = 4, 2
"""Streams of a raw fleet that stay, and their steps in one turn."""
_ARRAYS = 4
"""Streams of a fleet of the client library."""


@dataclass(frozen=True, slots=True)
class FleetCuts:
    cuts: int
    account: Account
    unheard: int
    """Steps of raw fleets that ran, and whose answers were cut off."""
    closed: int
    """Streams that were cut off while they came and went, and are gone."""
    seconds: float


async def cut_fleets_at_every_point(ground: Path, *, stride: int) -> FleetCuts:
    """Cuts after 0, `stride`, 2 × `stride`... bytes of requests, and of answers, of a turn.

    In a turn of a raw fleet some streams open, all make steps, and some leave; a fleet of the
    client library opens, steps, and closes. Raises PromiseBroken.
    """
    witness = Witness(ground / "repository")
    other = Witness(ground / "repository", hidden=24, seed=1, name="other")
    started = time.monotonic()
    with running(witness.repository, log=ground / "server.log") as server:
        async with proxied(server) as proxy:
            raw = _RawTurns(proxy, (witness, other))
            await raw.run(stride)
            arrays = _ArrayTurns(proxy, witness)
            await arrays.run(stride)
    done = total([account_of(raw.members), account(witness, arrays.diaries)])
    done.hold()
    promised(raw.unheard > 0, f"none of {raw.cuts} cuts lost an answer")
    return FleetCuts(
        raw.cuts + arrays.cuts, done, raw.unheard, raw.closed, time.monotonic() - started
    )


class _RawTurns:
    def __init__(self, proxy: Proxy, witnesses: Sequence[Witness]) -> None:
        self._proxy = proxy
        self._witnesses = witnesses
        self.members: list[Member] = []
        self.cuts = 0
        self.unheard = 0
        self.closed = 0

    async def run(self, stride: int) -> None:
        async with RawFleet(self._proxy.address) as fleet:
            fleet.take(self._new(_STAYING), pb.OPEN_MODE_CREATE)
            fleet.take(self._new(1), pb.OPEN_MODE_CREATE, leave=False)
            await fleet.settle()
            for way in Way:
                for turn in count():
                    self._proxy.cut_within(way, turn * stride)
                    await self._turn(fleet)
                    self._proxy.spare()
                    self.cuts += self._proxy.has_cut.is_set()
                    if not self._proxy.has_cut.is_set():
                        break
            self.closed, self.unheard = len(fleet.streams.closed), fleet.streams.unheard
            await self._check_gone(fleet.streams.closed)

    async def _turn(self, fleet: RawFleet) -> None:
        """One stream comes to be closed, and the one that was here before comes back."""
        fleet.take(self._new(1), pb.OPEN_MODE_CREATE, steps=1, leave=True)
        back, fleet.streams.detached = fleet.streams.detached, []
        fleet.take(back, pb.OPEN_MODE_RESUME, steps=1, leave=False)
        fleet.ask(_STEPS)
        await fleet.settle()

    def _new(self, streams: int) -> list[Member]:
        numbers = range(len(self.members), len(self.members) + streams)
        new = mixed(self._witnesses, numbers)
        self.members += new
        return new

    async def _check_gone(self, closed: Sequence[Member]) -> None:
        async with RawFleet(self._proxy.address) as fleet:
            found = await fleet.find(closed)
        promised(not found, f"{len(found)} of {len(closed)} closed streams are still there")


class _ArrayTurns:
    def __init__(self, proxy: Proxy, witness: Witness) -> None:
        self._proxy = proxy
        self._witness = witness
        self.diaries: list[Diary] = []
        self.cuts = 0

    async def run(self, stride: int) -> None:
        async with stepwire.connect(self._proxy.address) as client:
            for way in Way:
                await self._cut_steps(client, way, stride)
                await self._cut_lives(client, way, stride)

    async def _cut_steps(self, client: stepwire.Client, way: Way, stride: int) -> None:
        diaries = self._new()
        async with client.fleet(NAME, _ARRAYS) as fleet:
            for turn in count():
                self._proxy.cut_within(way, turn * stride)
                await step_some(fleet, self._witness, diaries, range(_ARRAYS))
                if not self._was_cut():
                    return

    async def _cut_lives(self, client: stepwire.Client, way: Way, stride: int) -> None:
        for turn in count():
            diaries = self._new()
            self._proxy.cut_within(way, turn * stride)
            async with client.fleet(NAME, _ARRAYS) as fleet:
                await step_some(fleet, self._witness, diaries, range(_ARRAYS))
            if not self._was_cut():
                return

    def _new(self) -> list[Diary]:
        first = len(self.diaries)
        new = [Diary(first + number) for number in range(_ARRAYS)]
        self.diaries += new
        return new

    def _was_cut(self) -> bool:
        self._proxy.spare()
        self.cuts += self._proxy.has_cut.is_set()
        return self._proxy.has_cut.is_set()
