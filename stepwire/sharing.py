"""Streams that share a call: their steps of one turn of the loop travel in one message."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

import grpc

from stepwire import errors, packing
from stepwire.call import Call, both
from stepwire.v1 import stream_pb2 as pb

RawCall = grpc.aio.StreamStreamCall[pb.FleetRequest, pb.FleetResponse]

_BYTES = 2**20
"""Of the inputs of one message, about: servers take 4 MB by default."""
_LARGEST = 256
"""Streams of one message that opens them, and steps of one that steps them."""


class Member:
    """The conversation of one stream on a shared call."""

    def __init__(self, shared: SharedCall) -> None:
        self.handle: int | None = None
        """None before the stream is open."""
        self.kind = ""
        """Of the messages that its steps may travel in: its model version."""
        self.leaving = False
        self._shared = shared
        self._heard: deque[pb.StreamResponse] = deque()
        self._ending: errors.StepwireError | None = None
        self._news = asyncio.Event()
        self._window = 0
        self._unanswered = 0
        self._room = asyncio.Event()

    async def say(self, message: pb.StreamRequest) -> bool:
        """A step waits for room in the window: beyond it the server would refuse it."""
        event = message.WhichOneof("event")
        while event == "step" and self._unanswered >= self._window and not self._ending:
            self._room.clear()
            await self._room.wait()
        if self._ending:
            return False
        if event == "step":
            self._unanswered += 1
            self._shared.step(self, message.step)
        elif event == "open":
            self._shared.open(self, message.open)
        else:
            self._shared.leave(self, close=True)
        return True

    async def say_no_more(self) -> None:
        self._shared.leave(self, close=False)

    async def hear(self) -> pb.StreamResponse:
        while not self._heard:
            if self._ending:
                raise self._ending
            self._news.clear()
            await self._news.wait()
        return self._heard.popleft()

    def cancel(self) -> None:
        """Leaves the stream to the server, detached, once its steps are answered."""
        self._shared.leave(self, close=False)

    def opened(self, handle: int, opened: pb.Opened) -> None:
        self.handle, self.kind = handle, f"{opened.model}/{opened.version}"
        self._window = opened.window
        self.told(pb.StreamResponse(opened=opened))

    def answered(self, message: pb.StreamResponse) -> None:
        """Is told what became of the oldest unanswered step."""
        self._unanswered -= 1
        self._room.set()
        self.told(message)

    def told(self, message: pb.StreamResponse) -> None:
        self._heard.append(message)
        self._news.set()

    def end(self, error: errors.StepwireError) -> None:
        if self._ending is None:
            self._ending = error
            self._news.set()
            self._room.set()

    @property
    def ended(self) -> bool:
        return self._ending is not None


class SharedCall:
    """One call, made by `connect`; over once it has failed."""

    def __init__(self, connect: Callable[[], RawCall]) -> None:
        self.over = False
        self._call: Call[pb.FleetRequest, pb.FleetResponse] = Call(connect())
        self._members: dict[int, Member] = {}
        self._opening: dict[int, Member] = {}
        """By tag."""
        self._tags = 0
        self._opens: list[pb.FleetMember] = []
        self._steps: deque[tuple[Member, pb.Step]] = deque()
        self._leaves: dict[bool, list[int]] = {True: [], False: []}
        """Handles, of streams to close and of streams to detach."""
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def member(self) -> Member:
        """A conversation of its own, for one stream."""
        return Member(self)

    def open(self, member: Member, request: pb.Open) -> None:
        if self.over:
            member.end(errors.Unavailable("the call of these streams has ended"))
            return
        self._tags = (self._tags + 1) % 2**32
        self._opening[self._tags] = member
        self._opens.append(pb.FleetMember(tag=self._tags, open=request))
        self._news.set()

    def step(self, member: Member, step: pb.Step) -> None:
        self._steps.append((member, step))
        self._news.set()

    def leave(self, member: Member, *, close: bool) -> None:
        """Once all steps of the stream are answered. Of one that is being opened: when it is."""
        if member.leaving or member.ended:
            return
        member.leaving = True
        if member.handle is not None:
            self._leaves[close].append(member.handle)
            self._news.set()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        ended: errors.StepwireError = errors.StreamClosed("this client is closed: connect again")
        try:
            await both(self._speak(), self._listen())
        except errors.StepwireError as error:
            ended = error
        except Exception as error:  # a fault of this library is not to be tried again
            ended = errors.StepwireError(f"unexpected {error!r}: please report it")
        finally:
            self._end(ended)

    async def _speak(self) -> None:
        while True:
            for message in self._messages():
                if not await self._call.say(message):
                    return
            self._news.clear()
            await self._news.wait()

    def _messages(self) -> Iterator[pb.FleetRequest]:
        """All that there is to say now."""
        while self._opens or self._steps or any(self._leaves.values()):
            opens, self._opens = self._opens[:_LARGEST], self._opens[_LARGEST:]
            if opens:
                yield pb.FleetRequest(open=pb.FleetOpen(members=opens))
            while self._steps:
                yield from self._packed(self._some_steps())
            for close, handles in self._leaves.items():
                if handles:
                    self._leaves[close] = []
                    yield pb.FleetRequest(leave=pb.FleetLeave(handles=handles, close=close))

    def _some_steps(self) -> dict[int, tuple[Member, pb.Step]]:
        """The oldest that is not sent of each stream, by handle."""
        some: dict[int, tuple[Member, pb.Step]] = {}
        size = 0
        later: deque[tuple[Member, pb.Step]] = deque()
        while self._steps and len(some) < _LARGEST and size < _BYTES:
            member, step = self._steps.popleft()
            if member.handle is None or member.ended:
                continue
            if member.handle in some:
                later.append((member, step))
            else:
                some[member.handle] = member, step
                size += sum(map(len, step.inputs))
        self._steps.extendleft(reversed(later))
        return some

    def _packed(self, some: dict[int, tuple[Member, pb.Step]]) -> Iterator[pb.FleetRequest]:
        kinds: dict[str, list[tuple[int, pb.Step]]] = {}
        for handle in sorted(some):  # neighbours on the server are cheapest in order
            member, step = some[handle]
            kinds.setdefault(member.kind, []).append((handle, step))
        yield from map(packing.packed, kinds.values())

    async def _listen(self) -> None:
        while True:
            self._hear(await self._call.hear())

    def _end(self, error: errors.StepwireError) -> None:
        self.over = True
        self._call.cancel()
        for member in (*self._members.values(), *self._opening.values()):
            member.end(error)

    def _hear(self, message: pb.FleetResponse) -> None:
        event = message.WhichOneof("event")
        if event == "outputs":
            for handle, answer in packing.outputs(message.outputs):
                self._members[handle].answered(answer)
        elif event == "errors":
            for refused in message.errors.errors:
                self._members[refused.handle].answered(pb.StreamResponse(error=refused.error))
        elif event == "durable":
            for handle, durable in packing.durable(message.durable):
                self._members[handle].told(durable)
        elif event == "opened":
            for member in message.opened.members:
                self._opened(member)
        elif event == "left":
            self._left(message.left)
        elif event == "going_away":
            for stays in self._members.values():
                stays.told(pb.StreamResponse(going_away=message.going_away))

    def _opened(self, answer: pb.FleetMemberOpened) -> None:
        member = self._opening.pop(answer.tag)
        if answer.HasField("refused"):
            member.end(errors.by_name(answer.refused.error, answer.refused.message))
            return
        self._members[answer.handle] = member
        if member.leaving:
            self._leaves[False].append(answer.handle)
            self._news.set()
        member.opened(answer.handle, answer.opened)

    def _left(self, left: pb.FleetLeft) -> None:
        member = self._members.pop(left.handle)
        if left.HasField("refused"):
            member.end(errors.by_name(left.refused.error, left.refused.message))
            if not member.leaving:
                self._leaves[False].append(left.handle)
                self._news.set()
        else:
            member.end(errors.Unavailable("the server ended the call"))
