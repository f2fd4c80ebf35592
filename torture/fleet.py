"""A fleet over raw calls, which has what was asked of it whatever becomes of its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from stepwire.v1 import stream_pb2 as pb
from torture.fleet_wire import Entries, FleetWire, Over, steps
from torture.member import Member
from torture.muster import Muster
from torture.promises import PromiseBroken, promised
from torture.seat import Seat

PATIENCE = 30.0
"""Seconds in which a fleet has to get whatever was asked of it."""
_MOMENT = 0.05


def _unspoilt(entries: Entries) -> Entries:
    return entries


class RawFleet:
    """Streams on one call at a time; ended by `async with`."""

    def __init__(
        self,
        address: str,
        *,
        crashes: bool = False,
        spoil: Callable[[Entries], Entries] = _unspoilt,
    ) -> None:
        """`crashes`: whether the server may lose what is not durable. `spoil`: is given the
        entries of each message and returns those to send.
        """
        self._wire = FleetWire(address)
        self._spoil = spoil
        self._nonsense = False
        """Whether a message that makes no sense was said: the call is to end."""
        self.streams = Muster(self, crashes=crashes)
        self.ended_by_nonsense = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._wire.close()

    @property
    def calls(self) -> int:
        """Those that it took so far."""
        return self._wire.calls

    def take(
        self,
        members: Iterable[Member],
        mode: pb.OpenMode.ValueType,
        *,
        steps: int = 0,
        leave: bool | None = None,
        overfill: int = 1,
    ) -> None:
        """Has streams opened, whoever has them, and so many steps made; the rest as in `Seat`."""
        for member in members:
            member.home = self
            goal = member.made + steps
            self.streams.seats[member] = Seat(member, goal, mode, leave=leave, overfill=overfill)

    def ask(self, steps: int) -> None:
        """Has every stream that is to stay make so many steps more."""
        for seat in self.streams.seats.values():
            if seat.leave is None and self.streams.at_home(seat):
                seat.goal += steps

    async def find(self, members: Sequence[Member]) -> Sequence[Member]:
        """Those that the server still has, of streams that were closed."""
        before = len(self.streams.detached)
        self.take(members, pb.OPEN_MODE_RESUME, leave=False)
        for member in members:
            self.streams.seats[member].closing = True
        await self.settle()
        return self.streams.detached[before:]

    async def settle(self) -> None:
        """Goes on, through as many calls as it takes, until all is as it was asked for.

        Raises PromiseBroken.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                while self._nonsense or self.streams.is_behind:
                    try:
                        await self._say_due()
                        self.streams.hear(await self._wire.hear())
                    except Over as over:
                        self._begin_again(str(over))
        except TimeoutError:
            behind = "; ".join(map(str, self.streams.seats.values()))
            raise PromiseBroken(f"a fleet stood still for {PATIENCE:g} s: {behind}") from None

    async def finish(self) -> None:
        """Says no more, and hears what comes until the call ends, which it has to do."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._wire.say_no_more()
                while True:
                    self.streams.hear(await self._wire.hear())
        except Over as over:
            self._begin_again(str(over))
        except TimeoutError:
            raise PromiseBroken("a call went on whose client had said its last") from None

    async def talk_nonsense(self, message: pb.FleetRequest) -> None:
        """Says what must end the call, behind all that is due; `settle` goes on."""
        try:
            await self._say_due()
            if not self.streams.going_away:
                await self._wire.say(message)
                self._nonsense = True
        except Over as over:
            self._begin_again(str(over))

    async def _say_due(self) -> None:
        if self._nonsense or self.streams.going_away:
            return
        if self.streams.refused_for_now:
            await asyncio.sleep(_MOMENT)
            self.streams.refused_for_now = False
        if handles := self.streams.to_answer_for:
            self.streams.to_answer_for = []
            await self._wire.say(pb.FleetRequest(leave=pb.FleetLeave(handles=handles)))
        seats = list(self.streams.seats.values())
        if unasked := [seat for seat in seats if not seat.asked]:
            await self._wire.say(pb.FleetRequest(open=self.streams.opening(unasked)))
        while entries := [(seat, due) for seat in seats if (due := seat.due())]:
            for model in {seat.member.witness: None for seat, _ in entries}:
                await self._say_steps([each for each in entries if each[0].member.witness is model])
        for close in (True, False):
            await self._say_leave(
                [seat for seat in seats if seat.may_leave and seat.leave is close], close=close
            )

    async def _say_steps(self, entries: Entries) -> None:
        spoilt = self._spoil(entries)
        for seat, entry in spoilt:
            seat.say(entry)
        await self._wire.say(steps(spoilt))

    async def _say_leave(self, seats: Sequence[Seat], *, close: bool) -> None:
        if not seats:
            return
        for seat in seats:
            seat.leaving = True
            seat.closing |= close
        handles = [seat.handle for seat in seats if seat.handle is not None]
        await self._wire.say(pb.FleetRequest(leave=pb.FleetLeave(handles=handles, close=close)))

    def _begin_again(self, ending: str) -> None:
        senseless = ending == "INVALID_REQUEST" and self._nonsense
        promised(
            senseless or ending in ("", "SERVER_DRAINING"), f"the call of a fleet ended: {ending}"
        )
        unanswered = sum(seat.unanswered for seat in self.streams.present)
        promised(
            not (senseless and unanswered),
            f"{unanswered} steps before a message that makes no sense were not answered",
        )
        self.ended_by_nonsense += senseless
        self._wire.hang_up()
        self._nonsense = False
        self.streams.begin_again()
