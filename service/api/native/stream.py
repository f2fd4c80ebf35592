"""A stream: one call, a message of which carries one timestep."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial

import grpc

from service.access.credentials import Credential
from service.api.errors import abort
from service.api.guard import Guard, within
from service.api.native import messages
from service.api.receiving import Receiver, fault, parsed, received
from service.api.refusals import Refusals
from service.api.writing import Writing
from service.core.errors import InvalidRequest, ServiceError
from service.core.histogram import Histogram
from service.core.steps import Answer, Output
from service.core.streams import Stream
from service.engine import Engine
from service.streams.opening import Opened
from service.traces.spans import CURRENT
from stepwire.v1 import stream_pb2 as pb

Context = grpc.aio.ServicerContext[bytes, pb.StreamResponse]

_OPEN_SECONDS = 10.0
"""How long a call may wait before it opens its stream."""


class StreamCall(Receiver):
    """One call: a task reads steps; the stream's owner.

    Answers are written where they are made, or else by the handler. It reads no further while as
    many steps are unanswered as the window holds, and so a client that does not read its answers
    is held back by HTTP/2's flow control.
    """

    def __init__(self, engine: Engine, guard: Guard, context: Context) -> None:
        super().__init__()
        self._engine = engine
        self._guard = guard
        self._context = context
        self._writing = Writing(context)
        self._span = CURRENT.get()
        self._answers: deque[Answer] = deque()
        self._unanswered = 0
        self._durable = self._told = 0
        self._window: int
        self._write_times: Histogram
        self._stream: Stream
        self._refusals = Refusals()
        self._lost: ServiceError | None = None
        self._parting: ServiceError | None = None
        self._farewell: pb.StreamResponse | None = None
        self._closing = False

    def answer(self, answer: Answer) -> None:
        if self._answers or not self._writing.takes_offers:
            self._wait(answer)
            return
        if not self._writing.offer(self._message(answer)):
            self._wait(answer)
            return
        self._answered(answer)
        if not self._unanswered and (not self._reading or self._told < self._durable):
            self._news.ring()

    def _wait(self, answer: Answer) -> None:
        self._answers.append(answer)
        self._news.ring()

    def durable(self, step: int) -> None:
        self._durable = step
        self._news.ring()

    def end(self, error: ServiceError) -> None:
        self._lost = error
        self._news.ring()

    def leave(self, error: ServiceError) -> None:
        if self._parting is None:
            self._parting = error
            self._farewell = messages.going_away(str(error))
            self._news.ring()

    async def serve(self) -> None:
        try:
            caller, opened = await self._open()
        except ServiceError as error:
            await abort(self._context, error)
        self._reader = asyncio.create_task(
            self._read(self._context, partial(self._hear, opened.stream))
        )
        try:
            with self._guard.watching(self, caller, opened.stream.model.name):
                if not self._lost:
                    await self._writing.write(messages.opening(opened))
                await self._write()
            if self._closing or not (self._lost or self._parting):
                await self._finish(opened)
        finally:
            self._read_no_further()
            self._engine.detach(opened.stream, opened.owner)
        if reason := self._lost or self._parting:
            await abort(self._context, reason)

    async def _finish(self, opened: Opened) -> None:
        """Closes or detaches the stream. Its client goes in peace: what it knows is saved."""
        leave = self._engine.close if self._closing else self._engine.detach
        leave(opened.stream, opened.owner)
        await self._engine.settled()

    async def _open(self) -> tuple[Credential, Opened]:
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                data = await asyncio.shield(received(self._context))
        except TimeoutError as error:
            raise InvalidRequest(f"no `open` within {_OPEN_SECONDS:g} s") from error
        message = parsed(data or b"", pb.StreamRequest)
        if message.WhichOneof("event") != "open":
            raise InvalidRequest("the first message of a call is `open`")
        caller = self._guard.caller(self._context.invocation_metadata())
        serving = (lane.model.name for lane in self._engine.lanes())
        request = within(messages.open_request(message.open), caller, serving)
        opened = await self._engine.open(request, self)
        self._told = opened.durable_step
        self._window = opened.lane.window
        self._write_times = opened.lane.counts.write
        self._stream = opened.stream
        if self._span:
            self._span.about(str(opened.stream.key), *opened.stream.model)
        return caller, opened

    @property
    def _is_full(self) -> bool:
        return self._unanswered >= self._window

    def _hear(self, stream: Stream, data: bytes) -> bool:
        """Takes a message; whether another one may come."""
        if self._lost or self._parting:
            self._reading = False
        if not self._reading:
            return False
        self._parting = fault(pb.StreamRequest, self._accept, stream, data)
        self._reading = not (self._closing or self._parting)
        return self._reading and not self._is_full

    def _accept(self, stream: Stream, data: bytes) -> None:
        """Takes a step or a close. Raises DecodeError and InvalidRequest."""
        message = pb.StreamRequest.FromString(data)
        event = message.WhichOneof("event")
        if event == "step":
            self._engine.submit(stream, messages.step(message.step, self._engine.now))
            self._unanswered += 1  # accepted, and so it is answered, in a later turn
        elif event == "close":
            self._closing = True
        else:
            raise InvalidRequest("after `open`, a message is `step` or `close`")

    async def _write(self) -> None:
        """Writes what waits until the call has no more to give."""
        while True:
            while self._answers:
                answer = self._answers.popleft()
                await self._writing.write(self._message(answer))
                self._answered(answer)
            if self._lost:
                return
            if self._farewell:
                self._read_no_further()
                await self._writing.write(self._farewell)
                self._farewell = None
            elif not self._reading and not self._unanswered:
                return
            elif self._told < self._durable and not self._unanswered:
                self._told = self._durable
                await self._writing.write(messages.durable(self._told))
            else:
                await self._news.heard()

    def _message(self, answer: Answer) -> pb.StreamResponse:
        if isinstance(answer, Output):
            self._told = self._durable
        return messages.answer(answer, self._told)

    def _answered(self, answer: Answer) -> None:
        self._unanswered -= 1
        self._room.ring()
        if not isinstance(answer, Output):
            self._refusals.tell(self._stream.key, self._stream.model, answer)
        elif answer.batch_size:
            now = self._engine.now
            self._write_times.add(now - answer.finished)
            if self._span:
                self._span.stepped(now, answer, self._stream.model, self._stream.key)
