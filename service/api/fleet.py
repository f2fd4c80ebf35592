"""A fleet: many streams on one call, a message of which carries a timestep of each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

import grpc
import numpy as np
from google.protobuf.message import DecodeError

from service.access.credentials import Credential
from service.api import fleet_messages, messages
from service.api.errors import abort
from service.api.guard import Guard, within
from service.core.blocks import Block, BlockOutputs
from service.core.errors import InvalidRequest, ServiceError, StepFault
from service.core.model import Array
from service.core.roster import HandlesRefused, Place, Roster
from service.core.slots import Index, as_index
from service.core.steps import Answer, Output, StepError
from service.core.streams import Stream
from service.engine import Engine
from service.lanes.lane import Lane
from service.streams.opening import Opened
from stepwire.v1 import stream_pb2 as pb

Context = grpc.aio.ServicerContext[pb.FleetRequest, pb.FleetResponse | bytes]

_OPENED_TOGETHER = 32
"""Streams of one message: more would hold up the steps of others."""
_OPENINGS = 16
"""Messages that open streams, at a time."""
_UNWRITTEN = 64
"""Answers that may wait to be written before the call is read no further."""


class Member:
    """The owner of one stream of a fleet."""

    def __init__(self, fleet: FleetCall) -> None:
        self.opened: Opened
        self.handle: int | None = None
        """None before the stream is open."""
        self.lost: ServiceError | None = None
        self.watch = ExitStack()
        self._fleet = fleet

    def answer(self, answer: Answer) -> None:
        self._fleet.answer_one(self, answer)

    def durable(self, step: int) -> None:
        if self.handle is not None:
            self._fleet.durable(self.handle, step)

    def end(self, error: ServiceError) -> None:
        if self.lost is None:
            self.lost = error
            self._fleet.lose(self, error)

    def leave(self, error: ServiceError) -> None:
        self._fleet.leave(error)


class FleetCall:
    """One call: a task reads steps, the handler writes their answers.

    An entry beyond the window of its stream gets an error, so that it does not hold up the
    others; a client that does not read is read no further.
    """

    def __init__(self, engine: Engine, guard: Guard, context: Context) -> None:
        self._engine = engine
        self._guard = guard
        self._context = context
        self._caller: Credential
        self._roster = Roster()
        self._members: dict[int, Member] = {}
        self._lanes: list[Lane] = []
        self._outbox: deque[BlockOutputs | tuple[int, Answer] | pb.FleetResponse] = deque()
        self._leaving: dict[int, bool] = {}
        """Handles of streams that are to leave once they are answered: whether to close them."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._parting: ServiceError | None = None
        self._farewell: pb.FleetResponse | None = None
        self._durable = False
        """Whether any step was ever in the store."""
        self._reading = True
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def tenancies(self) -> Array:
        return self._roster.tenancies

    @property
    def changes(self) -> int:
        return self._roster.changes

    def stream(self, handle: int) -> Stream:
        return self._members[handle].opened.stream

    def answer(self, answer: BlockOutputs) -> None:
        self._put(answer)

    def answer_one(self, member: Member, answer: Answer) -> None:
        if member.handle is not None and member.lost is None:
            self._put((member.handle, answer))

    def durable(self, handle: int, step: int) -> None:
        self._durable = True
        self._roster.durable[handle] = step
        self._news.set()

    def lose(self, member: Member, error: ServiceError) -> None:
        if member.handle is not None:
            self._leaving.pop(member.handle, None)
            self._roster.lose(member.handle)
            self._put(fleet_messages.left(member.handle, error))

    def leave(self, error: ServiceError) -> None:
        if self._parting is None:
            self._parting = error
            self._farewell = fleet_messages.going_away(str(error))
            self._news.set()

    def _put(self, answer: BlockOutputs | tuple[int, Answer] | pb.FleetResponse) -> None:
        self._outbox.append(answer)
        self._news.set()

    def _put_opened(self, member: pb.FleetMemberOpened) -> None:
        """Beside those that wait to be written."""
        last = self._outbox[-1] if self._outbox else None
        if isinstance(last, pb.FleetResponse) and last.HasField("opened"):
            last.opened.members.append(member)
        else:
            self._put(pb.FleetResponse(opened=pb.FleetOpened(members=[member])))

    async def serve(self) -> None:
        try:
            self._caller = self._guard.caller(self._context.invocation_metadata())
        except ServiceError as error:
            await abort(self._context, error)
        self._reader = asyncio.create_task(self._read())
        try:
            await self._write()
            self._detach_all()
            await self._engine.settled()
        finally:
            self._read_no_further()
            for task in self._tasks:
                task.cancel()
            self._detach_all()
        if self._parting:
            await abort(self._context, self._parting)

    def _detach_all(self) -> None:
        for member in self._members.values():
            self._release(member, close=False)
        self._members.clear()

    def _release(self, member: Member, *, close: bool) -> None:
        """Its connection gives a stream up, unless it is lost already."""
        member.watch.close()
        leave = self._engine.close if close else self._engine.detach
        leave(member.opened.stream, member.opened.owner)

    async def _read(self) -> None:
        try:
            while self._reading:
                message = await self._receive()
                if message is None or not self._reading or self._parting:
                    return
                self._accept(message)
                while self._reading and self._is_full():
                    self._room.clear()
                    await self._room.wait()
        except ServiceError as error:
            self._parting = error
        except HandlesRefused as error:
            self._parting = InvalidRequest(str(error))
        finally:
            self._reading = False
            self._news.set()

    async def _receive(self) -> pb.FleetRequest | None:
        """The next request, or None where the client has sent its last."""
        try:
            message = await self._context.read()
        except DecodeError as error:
            raise InvalidRequest(f"not a FleetRequest: {error}") from error
        return message if isinstance(message, pb.FleetRequest) else None

    def _is_full(self) -> bool:
        return len(self._outbox) >= _UNWRITTEN or len(self._tasks) >= _OPENINGS

    def _read_no_further(self) -> None:
        """Leaves the read under way to end with the call.

        grpc.aio never frees what belongs to a read that is cancelled (grpc/grpc#43360).
        """
        self._reading = False
        self._room.set()

    def _accept(self, message: pb.FleetRequest) -> None:
        event = message.WhichOneof("event")
        if event == "steps":
            self._accept_steps(message.steps)
        elif event == "open":
            self._begin(self._open(message.open.members))
        elif event == "leave":
            self._accept_leave(message.leave)
        else:
            raise InvalidRequest("a message is `open`, `steps` or `leave`")

    async def _open(self, members: Iterable[pb.FleetMember]) -> None:
        rest = iter(members)
        while some := list(islice(rest, _OPENED_TOGETHER)):
            await asyncio.gather(*map(self._open_one, some))

    async def _open_one(self, asked: pb.FleetMember) -> None:
        member = Member(self)
        try:
            serving = (lane.model.name for lane in self._engine.lanes())
            request = within(messages.open_request(asked.open), self._caller, serving)
            member.opened = await self._engine.open(request, member)
        except ServiceError as error:
            self._put_opened(fleet_messages.not_opened(asked.tag, error))
            return
        watch = self._guard.watching(member, self._caller, member.opened.stream.model.name)
        member.watch.enter_context(watch)
        if member.lost:
            self._release(member, close=False)
            self._put_opened(fleet_messages.not_opened(asked.tag, member.lost))
            return
        self._join(member, asked.tag)

    def _join(self, member: Member, tag: int) -> None:
        opened = member.opened
        if opened.lane not in self._lanes:
            self._lanes.append(opened.lane)
        assert opened.stream.slot is not None
        # A stream that is answered for by someone between goes by itself.
        member.handle = self._roster.join(
            Place.BLOCK if opened.owner is member else Place.SINGLE,
            lane=self._lanes.index(opened.lane),
            row=opened.stream.slot.row,
            durable_step=opened.durable_step,
        )
        self._durable = self._durable or opened.durable
        self._members[member.handle] = member
        self._put_opened(fleet_messages.opened(tag, member.handle, messages.opened(opened)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.set()
        self._news.set()

    def _accept_leave(self, message: pb.FleetLeave) -> None:
        handles = np.array(message.handles, np.int64)
        self._roster.check(handles)
        for handle in handles.tolist():
            if self._roster.places[handle] != Place.LOST:
                self._leaving[handle] = message.close
            elif handle in self._members:
                del self._members[handle]
                self._roster.free(handle)
        self._part_with_answered()

    def _part_with_answered(self) -> None:
        """Gives up the leaving streams that have all their answers."""
        ready = [handle for handle in self._leaving if not self._roster.unanswered[handle]]
        for handle in ready:
            self._release(self._members.pop(handle), close=self._leaving.pop(handle))
            self._roster.lose(handle)
        if ready:
            self._begin(self._part(ready))

    async def _part(self, handles: Sequence[int]) -> None:
        """Their clients go in peace: what they know is saved."""
        await self._engine.settled()
        for handle in handles:
            self._put(fleet_messages.left(handle, None))
            self._roster.free(handle)

    def _accept_steps(self, message: pb.FleetSteps) -> None:
        roster = self._roster
        cast = roster.cast(message.handles)
        if not len(cast.handles):
            return
        block = Block(
            self,
            cast.handles,
            cast.tenancies,
            cast.rows,
            cast.changes,
            *fleet_messages.steps(message, len(cast.handles), self._engine.now),
        )
        lane = self._lanes[cast.lane]
        if not self._fits(block, lane):
            return
        full = roster.unanswered[cast.index] >= lane.window
        if full.any() or cast.singles is not None or cast.lost is not None:
            self._sort(block, full, lane)
            return
        roster.unanswered[cast.index] += 1
        self._engine.submit_block(lane, block)

    def _sort(self, block: Block, full: Array, lane: Lane) -> None:
        """Each entry on its way: refused, one by one, or with the others."""
        places = self._roster.places[block.handles]
        self._refuse(block, full & (places != Place.LOST), lane)
        self._submit_singly(block, ~full & (places == Place.SINGLE))
        block = block.part(~full & (places == Place.BLOCK))
        self._roster.unanswered[block.handles] += 1
        if len(block):
            self._engine.submit_block(lane, block)

    def _fits(self, block: Block, lane: Lane) -> bool:
        """Whether the tensors have the size of so many entries; otherwise each is refused."""
        expected = [len(block) * spec.nbytes for spec in lane.signature.inputs]
        got = [len(data) for data in block.inputs]
        if got == expected:
            return True
        message = f"{len(block)} entries have {expected} bytes of inputs, not {got}"
        self._refuse_all(block, StepFault.INVALID_INPUT, message, lane)
        return False

    def _refuse(self, block: Block, full: Array, lane: Lane) -> None:
        if full.any():
            message = f"{lane.window} steps of the stream are unanswered, as many as its window"
            self._refuse_all(block.part(full), StepFault.RESOURCE_EXHAUSTED, message, lane)

    def _refuse_all(self, block: Block, fault: StepFault, message: str, lane: Lane) -> None:
        for entry, handle in enumerate(block.handles.tolist()):
            if self._roster.places[handle] != Place.LOST:
                expected = lane.next_step(self.stream(handle))
                self._roster.unanswered[handle] += 1
                self._put((handle, StepError(block.number(entry), fault, message, expected)))

    def _submit_singly(self, block: Block, entries: Array) -> None:
        for entry in np.flatnonzero(entries).tolist():
            handle = block.handles.item(entry)
            self._roster.unanswered[handle] += 1
            self._engine.submit(self.stream(handle), block.step(entry))

    async def _write(self) -> None:
        """Writes answers until the call has no more to give."""
        while True:
            while self._outbox:
                await self._write_next()
            if self._farewell:
                self._read_no_further()
                await self._context.write(self._farewell)
                self._farewell = None
            elif not self._reading and not self._tasks and not self._roster.unanswered.any():
                return
            elif len(untold := self._roster.untold()):
                self._roster.told[untold] = told = self._roster.durable[untold]
                await self._context.write(fleet_messages.durable(untold, told))
            else:
                self._news.clear()
                await self._news.wait()

    async def _write_next(self) -> None:
        answer = self._outbox.popleft()
        if isinstance(answer, BlockOutputs):
            handles = as_index(answer.handles.astype(np.int64))
            self._answered(handles)
            for message in fleet_messages.outputs(answer, self._tell_durable(handles)):
                await self._context.write(message)
        elif isinstance(answer, tuple):
            self._answered(slice(answer[0], answer[0] + 1))
            await self._context.write(self._single(*answer))
        else:
            await self._context.write(answer)
        if self._leaving:
            self._part_with_answered()
        self._room.set()

    def _answered(self, handles: Index) -> None:
        """Before the client can know of it, and send another step."""
        self._roster.unanswered[handles] -= 1

    def _single(self, handle: int, answer: Answer) -> pb.FleetResponse:
        if isinstance(answer, Output):
            self._tell_durable(slice(handle, handle + 1))
            return fleet_messages.output(handle, answer, self._roster.told.item(handle))
        return fleet_messages.errors([(handle, answer)])

    def _tell_durable(self, handles: Index) -> Array | None:
        """The durable steps of these streams; None where nothing is ever durable."""
        if not self._durable:
            return None
        told = self._roster.durable[handles].copy()
        self._roster.told[handles] = told
        return told
