"""The streams of a fleet: how they come to its call, and how they leave it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, Protocol

import numpy as np

from service.access.credentials import Credential
from service.api.guard import Guard, within
from service.api.native import fleet_messages, messages
from service.api.refusals import Refusals
from service.core.errors import ServiceError
from service.core.roster import Place, Roster
from service.core.steps import Answer, StepError
from service.core.streams import Stream
from service.engine import Engine
from service.lanes.lane import Lane
from service.streams.opening import Opened
from stepwire.v1 import stream_pb2 as pb

_OPENED_TOGETHER = 32
"""Streams of one message: more would hold up the steps of others."""


class Call(Protocol):
    """What carries a fleet."""

    def answer_one(self, handle: int, answer: Answer) -> None:
        """Takes the answer to a step that went by itself."""

    def tell(self, message: pb.FleetResponse) -> None:
        """Has the client told of something else."""

    def tell_opened(self, member: pb.FleetMemberOpened) -> None: ...

    def free(self, handle: int) -> None:
        """Lets others have the handle once all that waits is written."""

    def go(self, error: ServiceError) -> None:
        """Is asked to end, once every accepted step is answered."""


class Member:
    """The owner of one stream of a fleet."""

    def __init__(self, members: Members, call: Call) -> None:
        self.opened: Opened
        self.handle: int | None = None
        """None before the stream is open."""
        self.lost: ServiceError | None = None
        self.watch = ExitStack()
        self._members = members
        self._call = call

    def answer(self, answer: Answer) -> None:
        if self.handle is not None and self.lost is None:
            if isinstance(answer, StepError):
                stream = self.opened.stream
                self._members.refusals.tell(stream.key, stream.model, answer)
            self._call.answer_one(self.handle, answer)

    def durable(self, step: int) -> None:
        if self.handle is not None:
            self._members.durable(self.handle, step)

    def end(self, error: ServiceError) -> None:
        if self.lost is None:
            self.lost = error
            if self.handle is not None:
                self._members.lose(self.handle, error)

    def leave(self, error: ServiceError) -> None:
        self._call.go(error)


class Members:
    def __init__(
        self, engine: Engine, guard: Guard, call: Call, changed: Callable[[], None]
    ) -> None:
        """`changed` is called when something is to be told, or there is room again."""
        self.caller: Credential
        self.roster = Roster()
        self.lanes: list[Lane] = []
        """By the numbers that the roster has of them."""
        self.durable_at_all = False
        """Whether any step may ever be in the store."""
        self.refusals = Refusals()
        self._engine = engine
        self._guard = guard
        self._call = call
        self._changed = changed
        self._members: dict[int, Member] = {}
        self._leaving: dict[int, bool] = {}
        """Handles of streams that are to leave once they are answered: whether to close them."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> int:
        """Messages whose streams are being opened, or on their way out."""
        return len(self._tasks)

    @property
    def are_leaving(self) -> bool:
        """Whether some are to leave once they are answered."""
        return bool(self._leaving)

    def stream(self, handle: int) -> Stream:
        """Of a handle that has one."""
        return self._members[handle].opened.stream

    def durable(self, handle: int, step: int) -> None:
        self.roster.durable[handle] = step
        self._changed()

    def lose(self, handle: int, error: ServiceError) -> None:
        """The client answers for it by a `leave`, if it has not sent one already."""
        self.roster.lose(handle)
        self._call.tell(fleet_messages.left(handle, error))
        if self._leaving.pop(handle, None) is not None:
            self._forget(handle)

    def _forget(self, handle: int) -> None:
        self._members.pop(handle).watch.close()
        self._call.free(handle)

    def open(self, members: Iterable[pb.FleetMember]) -> None:
        """Each is answered by itself."""
        self._begin(self._open(members))

    async def _open(self, members: Iterable[pb.FleetMember]) -> None:
        rest = iter(members)
        while some := list(islice(rest, _OPENED_TOGETHER)):
            await asyncio.gather(*map(self._open_one, some))

    async def _open_one(self, asked: pb.FleetMember) -> None:
        member = Member(self, self._call)
        try:
            serving = (lane.model.name for lane in self._engine.lanes())
            request = within(messages.open_request(asked.open), self.caller, serving)
            member.opened = await self._engine.open(request, member)
        except ServiceError as error:
            self._call.tell_opened(fleet_messages.not_opened(asked.tag, error))
            return
        watch = self._guard.watching(member, self.caller, member.opened.stream.model.name)
        member.watch.enter_context(watch)
        if member.lost:
            self._release(member, close=False)
            self._call.tell_opened(fleet_messages.not_opened(asked.tag, member.lost))
            return
        self._join(member, asked.tag)

    def _join(self, member: Member, tag: int) -> None:
        opened = member.opened
        if opened.lane not in self.lanes:
            self.lanes.append(opened.lane)
        assert opened.stream.slot is not None
        # A stream that is answered for by someone between goes by itself.
        member.handle = self.roster.join(
            Place.BLOCK if opened.owner is member else Place.SINGLE,
            lane=self.lanes.index(opened.lane),
            row=opened.stream.slot.row,
            durable_step=opened.durable_step,
        )
        self.durable_at_all = self.durable_at_all or opened.durable
        self._members[member.handle] = member
        answer = fleet_messages.opened(tag, member.handle, messages.opened(opened))
        self._call.tell_opened(answer)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed()

    def leave(self, message: pb.FleetLeave) -> None:
        """Raises HandlesRefused."""
        handles = np.array(message.handles, np.int64)
        self.roster.check(handles)
        for handle in handles.tolist():
            if self.roster.places[handle] != Place.LOST:
                self._leaving[handle] = message.close
            elif handle in self._members:
                self._forget(handle)
        self.part()

    def part(self) -> None:
        """Gives up the leaving streams that have all their answers."""
        if not self._leaving:
            return
        ready = [handle for handle in self._leaving if not self.roster.unanswered[handle]]
        for handle in ready:
            self._release(self._members.pop(handle), close=self._leaving.pop(handle))
            self.roster.lose(handle)
        if ready:
            self._begin(self._part(ready))

    async def _part(self, handles: Sequence[int]) -> None:
        """Their clients go in peace: what they know is saved."""
        await self._engine.settled()
        for handle in handles:
            self._call.tell(fleet_messages.left(handle, None))
            self.roster.free(handle)

    def detach_all(self) -> None:
        for task in self._tasks:
            task.cancel()
        for handle, member in self._members.items():
            self._release(member, close=False)
            self.roster.lose(handle)
        self._members.clear()

    def _release(self, member: Member, *, close: bool) -> None:
        """Its connection gives a stream up, unless it is lost already."""
        member.watch.close()
        leave = self._engine.close if close else self._engine.detach
        leave(member.opened.stream, member.opened.owner)
