"""A raw fleet to which everything happens that can, drawn from a seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from stepwire.v1 import stream_pb2 as pb
from torture.fleet import RawFleet
from torture.hostile import Spoiler
from torture.member import Member
from torture.nonsense import nonsense
from torture.proxy import Proxy, Way
from torture.visit import visit

_MOST_STEPS, _MOST_BYTES = 12, 4000
"""Of a stream in a round, and of what passes before a connection is cut."""
_OFTEN, _SELDOM = 0.3, 0.15
"""In how many rounds a thing happens."""


class Tormented:
    """In a round all streams step, and each of these happens by chance: a stream comes, to stay,
    to be closed or to be detached; one that was detached comes back; the connection is cut; a
    stream is taken from another fleet; one goes to a call of its own; a message makes no sense.
    """

    def __init__(
        self,
        proxy: Proxy,
        address: str,
        new: Callable[[int], list[Member]],
        source: random.Random,
    ) -> None:
        """`address`: of the server, without the proxy. `new`: makes so many members."""
        self.fleet = RawFleet(proxy.address, spoil=Spoiler(source))
        self.taken = 0
        self._proxy = proxy
        self._address = address
        self._new = new
        self._source = source
        self._untouchable = False
        """Whether nobody is to take its streams."""

    async def run(self, rounds: int, streams: int, all_of_them: Sequence[Tormented]) -> None:
        others = [each for each in all_of_them if each is not self]
        async with self.fleet, asyncio.TaskGroup() as visits:
            self.fleet.take(self._new(streams), pb.OPEN_MODE_CREATE)
            for _ in range(rounds):
                self.fleet.ask(self._source.randint(0, _MOST_STEPS))
                self._come_and_go()
                if self._happens(_OFTEN):
                    cut_soon(self._proxy, self._source)
                if others and self._happens(_OFTEN):
                    self._rob(self._source.choice(others))
                if self._happens(_OFTEN):
                    self._send_away(visits)
                if self._happens(_SELDOM):
                    await self._talk_nonsense()
                await self.fleet.settle()
                self._untouchable = False
                self._proxy.spare()
            self._untouchable = True
            await self.fleet.finish()

    def _happens(self, share: float) -> bool:
        return self._source.random() < share

    def _come_and_go(self) -> None:
        streams, steps = self.fleet.streams, self._source.randint(0, _MOST_STEPS)
        back = [member for member in streams.taken if member.home is None]
        streams.taken = [member for member in streams.taken if isinstance(member.home, _Visit)]
        if self._happens(_OFTEN):
            back += streams.detached
            streams.detached = []
        self.fleet.take(back, pb.OPEN_MODE_RESUME, steps=steps)
        if self._happens(_OFTEN):
            leave = self._source.choice((True, False))
            self.fleet.take(self._new(1), pb.OPEN_MODE_CREATE, steps=steps, leave=leave)

    def _rob(self, other: Tormented) -> None:
        if stolen := other.choose(self._source):
            steps = self._source.randint(0, _MOST_STEPS)
            self.fleet.take([stolen], pb.OPEN_MODE_RESUME, steps=steps)
            self.taken += 1

    def _send_away(self, visits: asyncio.TaskGroup) -> None:
        if member := self.choose(self._source):
            member.home = _Visit()
            visits.create_task(visit(self._address, member, self._source))
            self.taken += 1

    def choose(self, source: random.Random) -> Member | None:
        """A stream to take from it, which may be about to leave, but not to be closed."""
        streams = self.fleet.streams
        open_ones = [
            seat.member
            for seat in streams.seats.values()
            if seat.handle is not None and streams.at_home(seat) and seat.leave is not True
        ]
        # Of a message that makes no sense there may be no sense left once its streams are lost.
        return source.choice(open_ones) if open_ones and not self._untouchable else None

    async def _talk_nonsense(self) -> None:
        streams = self.fleet.streams
        if all(map(streams.at_home, streams.seats.values())):
            self._untouchable = True
            if message := nonsense(self._source, streams):
                await self.fleet.talk_nonsense(message)


class _Visit:
    """Has a stream that is on a call of its own."""


def cut_soon(proxy: Proxy, source: random.Random) -> None:
    """Cuts its connections after some more bytes of requests, or of answers."""
    proxy.cut_within(source.choice(list(Way)), source.randrange(_MOST_BYTES))
