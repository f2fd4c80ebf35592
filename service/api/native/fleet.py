"""A fleet: many streams on one call, a message of which carries a timestep of each."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TypeAlias

import grpc

from service.api.errors import abort
from service.api.guard import Guard
from service.api.native import fleet_messages
from service.api.native.entries import Entries
from service.api.native.members import Members
from service.api.receiving import Receiver, fault
from service.api.writing import Writing
from service.core.blocks import BlockOutputs
from service.core.errors import InvalidRequest, ServiceError
from service.core.model import Array
from service.core.roster import HandlesRefused
from service.core.slots import Index
from service.core.steps import Answer, Output
from service.core.streams import Stream
from service.engine import Engine
from service.traces.spans import CURRENT
from stepwire.v1 import stream_pb2 as pb

Context = grpc.aio.ServicerContext[bytes, pb.FleetResponse | bytes]

_OPENINGS = 16
"""Messages that open streams, at a time."""
_UNWRITTEN = 64
"""Answers that may wait to be written before the call is read no further."""


_Said: TypeAlias = BlockOutputs | tuple[int, Answer] | pb.FleetResponse | int
"""What waits to be written; a handle: it is free once all before it is written."""


class FleetCall(Receiver):
    """One call: a task reads steps; their answers are written where they are made, or else by the
    handler. A client that does not read is read no further.
    """

    def __init__(self, engine: Engine, guard: Guard, context: Context) -> None:
        super().__init__()
        self._engine = engine
        self._guard = guard
        self._context = context
        self._writing = Writing(context)
        self._members = Members(engine, guard, self, self._changed)
        self._roster = self._members.roster
        self._entries = Entries(engine, self._members, self)
        self._span = CURRENT.get()
        self._outbox: deque[_Said] = deque()
        self._parting: ServiceError | None = None
        self._farewell: pb.FleetResponse | None = None

    @property
    def tenancies(self) -> Array:
        return self._roster.tenancies

    @property
    def changes(self) -> int:
        return self._roster.changes

    def stream(self, handle: int) -> Stream:
        return self._members.stream(handle)

    def answer(self, answer: BlockOutputs) -> None:
        if self._outbox or self._members.are_leaving or not self._offer(answer):
            self._put(answer)

    def _offer(self, answer: BlockOutputs) -> bool:
        """Writes it, where that needs no waiting and no more than one message."""
        if not (self._writing.takes_offers and fleet_messages.fits(answer)):
            return False
        handles = self._roster.index(answer.handles)
        (message,) = fleet_messages.outputs(answer, self._tell_durable(handles))
        if not self._writing.offer(message):
            return False
        self._answered(handles)
        self._count_write(answer.handles.item(0), answer, len(answer.handles))
        self._room.ring()
        if not self._reading:
            self._news.ring()
        return True

    def answer_one(self, handle: int, answer: Answer) -> None:
        self._put((handle, answer))

    def tell(self, message: pb.FleetResponse) -> None:
        self._put(message)

    def go(self, error: ServiceError) -> None:
        if self._parting is None:
            self._parting = error
            self._farewell = fleet_messages.going_away(str(error))
            self._news.ring()

    def free(self, handle: int) -> None:
        self._put(handle)

    def _put(self, answer: _Said) -> None:
        self._outbox.append(answer)
        self._news.ring()

    def tell_opened(self, member: pb.FleetMemberOpened) -> None:
        """Beside those that wait to be written."""
        last = self._outbox[-1] if self._outbox else None
        if isinstance(last, pb.FleetResponse) and last.HasField("opened"):
            last.opened.members.append(member)
        else:
            self._put(pb.FleetResponse(opened=pb.FleetOpened(members=[member])))

    def _changed(self) -> None:
        self._room.ring()
        self._news.ring()

    async def serve(self) -> None:
        try:
            self._members.caller = self._guard.caller(self._context.invocation_metadata())
        except ServiceError as error:
            await abort(self._context, error)
        self._reader = asyncio.create_task(self._read(self._context, self._hear))
        try:
            await self._write()
            self._members.detach_all()
            await self._engine.settled()
        finally:
            self._read_no_further()
            self._members.detach_all()
        if self._parting:
            await abort(self._context, self._parting)

    def _hear(self, data: bytes) -> bool:
        """Takes a message; whether another one may come."""
        if self._parting:
            self._reading = False
        if not self._reading:
            return False
        self._parting = fault(pb.FleetRequest, self._accept, data)
        self._reading = not self._parting
        return self._reading and not self._is_full

    @property
    def _is_full(self) -> bool:
        return len(self._outbox) >= _UNWRITTEN or self._members.under_way >= _OPENINGS

    def _accept(self, data: bytes) -> None:
        """Raises DecodeError and InvalidRequest."""
        message = pb.FleetRequest.FromString(data)
        event = message.WhichOneof("event")
        try:
            if event == "steps":
                self._entries.take(message.steps)
            elif event == "open":
                self._members.open(message.open.members)
            elif event == "leave":
                self._members.leave(message.leave)
            else:
                raise InvalidRequest("a message is `open`, `steps` or `leave`")
        except HandlesRefused as error:
            raise InvalidRequest(str(error)) from error

    async def _write(self) -> None:
        """Writes answers until the call has no more to give."""
        while True:
            while self._outbox:
                await self._write_next()
            if self._farewell:
                self._read_no_further()
                await self._writing.write(self._farewell)
                self._farewell = None
            elif self._is_done():
                return
            elif self._members.durable_at_all and len(untold := self._roster.untold()):
                self._roster.told[untold] = told = self._roster.durable[untold]
                await self._writing.write(fleet_messages.durable(untold, told))
            else:
                await self._news.heard()

    def _is_done(self) -> bool:
        unanswered = self._roster.unanswered.any()
        return not (self._reading or self._members.under_way or unanswered)

    async def _write_next(self) -> None:
        answer = self._outbox.popleft()
        if isinstance(answer, BlockOutputs):
            handles = self._roster.index(answer.handles)
            self._answered(handles)
            made = fleet_messages.outputs(answer, self._tell_durable(handles))
            for number, message in enumerate(made):
                if number == 0:
                    self._count_write(answer.handles.item(0), answer, len(answer.handles))
                await self._writing.write(message)
        elif isinstance(answer, tuple):
            self._answered(slice(answer[0], answer[0] + 1))
            await self._writing.write(self._single(*answer))
        elif isinstance(answer, int):
            self._roster.free(answer)
        else:
            await self._writing.write(answer)
        self._members.part()
        self._room.ring()

    def _answered(self, handles: Index) -> None:
        """Before the client can know of it, and send another step; of lost streams none is
        counted.
        """
        self._roster.unanswered[handles] -= self._roster.unanswered[handles] > 0

    def _single(self, handle: int, answer: Answer) -> pb.FleetResponse:
        if isinstance(answer, Output):
            self._tell_durable(slice(handle, handle + 1))
            if answer.batch_size:
                self._count_write(handle, answer)
            return fleet_messages.output(handle, answer, self._roster.told.item(handle))
        return fleet_messages.errors([(handle, answer)])

    def _count_write(self, handle: int, answer: BlockOutputs | Output, steps: int = 1) -> None:
        lane = self._members.lanes[self._roster.lanes.item(handle)]
        now = self._engine.now
        lane.counts.write.repeat(now - answer.finished, steps)
        if self._span:
            self._span.stepped(now, answer, lane.model, None)

    def _tell_durable(self, handles: Index) -> Array | None:
        """The durable steps of these streams; None where nothing is ever durable."""
        if not self._members.durable_at_all:
            return None
        told = self._roster.durable[handles].copy()
        self._roster.told[handles] = told
        return told
