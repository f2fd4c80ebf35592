"""Stepwire's fleets: one call for all streams of a connection.

Steps that are due together travel in one message.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np

from loadtest.schedule import Arrival
from loadtest.talkers.backlog import Backlog
from loadtest.talkers.connection import Connection
from loadtest.talkers.native import failed, opening, served
from loadtest.talkers.talker import OPENED, PATIENCE, PAUSE, Answer, Ears, Served
from stepwire import errors
from stepwire.call import Call, both
from stepwire.packing import packed
from stepwire.tensors import Signature
from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc

_LARGEST = 256
"""Streams of one message."""
_HANDLE = np.dtype("<u4")

FleetCall = Call[pb.FleetRequest, pb.FleetResponse]


class _Member:
    def __init__(self, stream: int) -> None:
        self.stream = stream
        self.backlog = Backlog()
        self.handle: int | None = None
        """None while it is not open."""
        self.listed = False
        """Among those that have something to send."""


class FleetTalker:
    def __init__(self, connection: Connection, streams: Iterable[int], ears: Ears) -> None:
        self._stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(
            connection.channel
        )
        self._connection = connection
        self._ears = ears
        self._members = {stream: _Member(stream) for stream in streams}
        self._handles: dict[int, _Member] = {}
        self._ready: deque[_Member] = deque()
        self._to_open: list[_Member] = []
        self._to_leave: list[int] = []
        self._served: Served | None = None
        self._all_open = asyncio.Event()
        self._all_left = asyncio.Event()
        self._news = asyncio.Event()
        self._leaving = False
        self._refusal: errors.StepwireError | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> Served:
        self._task = asyncio.create_task(self._run())
        try:
            async with asyncio.timeout(PATIENCE):
                await self._all_open.wait()
        except TimeoutError as error:
            raise errors.StepwireError(f"no answer to an open within {PATIENCE:g} s") from error
        if self._refusal or not self._served:
            raise self._refusal or errors.StepwireError("no stream was opened")
        return self._served

    def due(self, arrival: Arrival) -> None:
        member = self._members[arrival.stream]
        member.backlog.add(arrival)
        self._list(member)

    async def close(self) -> list[Arrival]:
        if self._task and not self._all_open.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_open.wait(), OPENED)
        self._leaving = True
        abandoned = [a for member in self._members.values() for a in member.backlog.abandoned()]
        self._to_leave += list(self._handles)
        self._news.set()
        if self._handles:
            # Else they stay with the server, detached.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_left.wait(), PATIENCE)
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        return abandoned

    def _list(self, member: _Member) -> None:
        if not member.listed and member.handle is not None and member.backlog.ready:
            member.listed = True
            self._ready.append(member)
            self._news.set()

    async def _run(self) -> None:
        while not self._leaving:
            self._to_open = list(self._members.values())
            route = ("stepwire-route", secrets.token_hex(8))
            call: FleetCall = Call(self._stub.Fleet(metadata=(route, *self._connection.metadata)))
            try:
                await both(self._speak(call), self._listen(call))
            except errors.StepwireError as error:
                self._broke(error)
            finally:
                call.cancel()
            await asyncio.sleep(PAUSE * random.uniform(0.5, 1.0))

    def _broke(self, error: errors.StepwireError) -> None:
        if self._served is None:
            self._refuse(error)
        self._handles.clear()
        self._all_left.set()
        self._ready.clear()
        for member in self._members.values():
            self._lost(member, type(error).__name__)

    def _refuse(self, error: errors.StepwireError) -> None:
        """The streams are not all open yet: the load does not begin."""
        self._refusal = error
        self._all_open.set()

    def _lost(self, member: _Member, kind: str) -> None:
        member.handle, member.listed = None, False
        for arrival in member.backlog.lost():
            self._ears.heard(arrival, Answer(error=kind, lost=True))

    async def _speak(self, call: FleetCall) -> None:
        while True:
            self._news.clear()  # before the look: what happens during a `say` is news
            for message in self._messages():
                if not await call.say(message):
                    return
            await self._news.wait()

    def _messages(self) -> Iterator[pb.FleetRequest]:
        while self._to_open:
            some, self._to_open = self._to_open[:_LARGEST], self._to_open[_LARGEST:]
            members = [
                pb.FleetMember(tag=m.stream, open=opening(self._connection.load)) for m in some
            ]
            yield pb.FleetRequest(open=pb.FleetOpen(members=members))
        while self._ready:
            yield self._steps()
        if self._to_leave:
            leave = pb.FleetLeave(handles=self._to_leave, close=self._leaving)
            self._to_leave = []
            yield pb.FleetRequest(leave=leave)

    def _steps(self) -> pb.FleetRequest:
        """One of each stream that has something to send."""
        some = [self._ready.popleft() for _ in range(min(_LARGEST, len(self._ready)))]
        entries: list[tuple[int, pb.Step]] = []
        for member in some:
            assert member.handle is not None
            number = member.backlog.send()
            inputs = self._connection.timesteps.of(member.stream, number)
            entries.append((member.handle, pb.Step(step=number, inputs=inputs)))
            member.listed = False
            self._list(member)
        return packed(sorted(entries, key=lambda entry: entry[0]))

    async def _listen(self, call: FleetCall) -> None:
        while True:
            message = await call.hear()
            event = message.WhichOneof("event")
            if event == "outputs":
                self._answered(message.outputs)
            elif event == "errors":
                for refused in message.errors.errors:
                    self._told(refused.handle, failed(refused.error))
            elif event == "opened":
                for opened in message.opened.members:
                    self._opened(opened)
            elif event == "left":
                self._left(message.left)

    def _answered(self, outputs: pb.FleetOutputs) -> None:
        answer = Answer(
            batch_size=outputs.batch_size,
            queued=outputs.queue_us * 1e-6,
            computed=outputs.compute_us * 1e-6,
        )
        for handle in np.frombuffer(outputs.handles, _HANDLE).tolist():
            self._told(handle, answer)

    def _told(self, handle: int, answer: Answer) -> None:
        if self._leaving:
            return
        member = self._handles[handle]
        if answer.error:
            arrival = member.backlog.refused(answer.next_step)
        else:
            arrival = member.backlog.answered()
        self._list(member)
        self._ears.heard(arrival, answer)

    def _opened(self, answer: pb.FleetMemberOpened) -> None:
        member = self._members[answer.tag]
        if answer.HasField("refused"):
            self._not_opened(member, answer.refused)
            return
        if self._served is None:
            self._connection.timesteps.fit(Signature(answer.opened.signature))
            self._served = served(answer.opened)
        self._handles[answer.handle] = member
        member.handle = answer.handle
        member.backlog.begin(answer.opened.window)
        self._list(member)
        if len(self._handles) == len(self._members):
            self._all_open.set()

    def _not_opened(self, member: _Member, refusal: pb.FleetRefusal) -> None:
        if not self._all_open.is_set():
            self._refuse(errors.by_name(refusal.error, refusal.message))
        else:
            self._open_later(member)

    def _left(self, left: pb.FleetLeft) -> None:
        member = self._handles.pop(left.handle)
        if not self._handles and self._leaving:
            self._all_left.set()
        if left.HasField("refused") and not self._leaving:
            self._lost(member, type(errors.by_name(left.refused.error, "")).__name__)
            self._to_leave.append(left.handle)
            self._news.set()
            self._open_later(member)

    def _open_later(self, member: _Member) -> None:
        asyncio.get_running_loop().call_later(PAUSE, self._open_again, member)

    def _open_again(self, member: _Member) -> None:
        self._to_open.append(member)
        self._news.set()
