"""A call: what a handler reads, writes and ends, as grpc.aio's context has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import grpc
from grpc import StatusCode

from service.transport import compression, metadata
from service.transport.carrier import Carrier
from service.transport.framing import prefix
from service.transport.metadata import Field, Metadata, Request
from service.transport.outbox import Outbox
from service.transport.reading import Reading
from service.transport.refusals import Malformed, Refused, TooLarge, UnknownEncoding

HEAD: list[Field] = [
    (b":status", b"200"),
    (b"content-type", b"application/grpc"),
    (b"grpc-accept-encoding", compression.ACCEPTED.encode()),
]

_APART = 4096
"""Bytes from which on a message is not copied behind its prefix."""
_UNSENT = 16 * 1024
"""Bytes that may wait to be sent before a write waits."""

_REFUSALS: dict[type[Refused], StatusCode] = {
    TooLarge: StatusCode.RESOURCE_EXHAUSTED,
    UnknownEncoding: StatusCode.UNIMPLEMENTED,
    Malformed: StatusCode.INTERNAL,
}


class Call(Reading):
    def __init__(self, carrier: Carrier, number: int, request: Request) -> None:
        super().__init__(carrier, number, request)
        self.outbox = Outbox()
        self.trailers: Sequence[Field] | None = None
        self.sending = False
        self.request = request
        self.task: asyncio.Task[None] | None = None
        self.serialize: Callable[[Any], bytes] | None = None
        self._unanswered = 0
        self._room: asyncio.Future[None] | None = None
        self._has_responded = False
        self._leading: Metadata = ()
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        if request.timeout is not None:
            self._deadline = carrier.loop.time() + request.timeout
            self._timer = carrier.loop.call_later(request.timeout, self._expire)

    # What the session tells.

    def received(self, data: bytes) -> None:
        if self.is_ended:
            return
        try:
            found = self._take_in(data)
        except Refused as error:
            self._refuse(error)
            return
        if found:
            self._unanswered += found
            self._carrier.asked(found)
            self._wake()

    def drained(self) -> None:
        room, self._room = self._room, None
        if room and not room.done():
            room.set_result(None)

    def closed(self, code: int) -> None:
        self.is_gone = True
        self.outbox.clear()
        self._settle()
        self.drained()
        if self.task and not self.is_ended:
            self.task.cancel()

    def _settle(self) -> None:
        """Nothing more is read, and nothing more waited for."""
        self._is_over = True
        if self._timer:
            self._timer.cancel()
        unanswered, self._unanswered = self._unanswered, 0
        self._carrier.answered(unanswered)
        self._arrival.come_soon()

    def _refuse(self, error: Refused) -> None:
        self.stop(_REFUSALS[type(error)], str(error))

    def _expire(self) -> None:
        self.stop(StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")

    def stop(self, code: StatusCode, details: str) -> None:
        """Ends the call and its handler."""
        self.end(code, details)
        if self.task:
            self.task.cancel()

    # What handlers ask.

    def invocation_metadata(self) -> Metadata:
        return self.request.metadata

    def peer(self) -> str:
        return self._carrier.peer

    def time_remaining(self) -> float | None:
        """Seconds until the client's deadline."""
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - self._carrier.loop.time())

    async def write(self, message: Any) -> None:
        """Returns at once, unless the client takes too little of what was written before.

        Raises AbortError after an abort and UsageError after the end.
        """
        while not self.offer(message):
            self._check()
            self._carrier.flush()
            await self._make_room()

    def offer(self, message: Any) -> bool:
        """Writes, where that needs no waiting; False: nothing has happened."""
        if self.is_ended or self.is_gone or self.outbox.size > _UNSENT:
            return False
        self.put(message)
        if self._unanswered:
            self._unanswered -= 1
            self._carrier.answered(1)
        else:
            self._carrier.soon()
        return True

    async def _make_room(self) -> None:
        while self.outbox.size > _UNSENT and not self.is_gone:
            self._room = self._carrier.loop.create_future()
            await self._room

    def put(self, message: Any) -> None:
        """Has the message sent, at some time."""
        data = self.serialize(message) if self.serialize else message
        size = len(data)
        if size > self._carrier.max_message_bytes:
            self._exceed(size)
        if not self._has_responded:
            self._respond()
        if size < _APART:
            self.outbox.put(prefix(0, size) + data)
        else:
            self.outbox.put(prefix(0, size))
            self.outbox.put(data)
        if not self.sending:
            self._carrier.session.send(self._number, self)

    def put_last(self, message: Any) -> None:
        """Has the one answer sent, with the status that follows it; unless the call is over."""
        if not self.is_gone:
            self._check()
            self.put(message)

    def _exceed(self, size: int) -> NoReturn:
        message = f"Sent message larger than max ({size} vs. {self._carrier.max_message_bytes})"
        self.end(StatusCode.RESOURCE_EXHAUSTED, message)
        if self.task and self.task is not asyncio.current_task():
            self.task.cancel()  # the handler, which does not hear of the error
        self._abortion = grpc.aio.AbortError(message)
        raise self._abortion

    async def send_initial_metadata(self, given: Iterable[tuple[str, str | bytes]]) -> None:
        self._check()
        if self._has_responded:
            raise grpc.aio.UsageError("the initial metadata has been sent")
        self._leading += tuple(given)
        self._respond()
        self._carrier.soon()

    def _respond(self) -> None:
        self._has_responded = True
        head = HEAD + metadata.fields(self._leading) if self._leading else HEAD
        self._carrier.session.respond(self._number, head)

    async def abort(
        self,
        code: StatusCode,
        details: str = "",
        trailing_metadata: Iterable[tuple[str, str | bytes]] = (),
    ) -> NoReturn:
        """Ends the call with an error. Raises AbortError, for the handler to leave by."""
        self._check()
        if code is StatusCode.OK:
            raise grpc.aio.UsageError("OK is no error to abort with")
        self._trailing = tuple(trailing_metadata) or self._trailing
        self.end(code, details)
        self._abortion = grpc.aio.AbortError("the handler has aborted the call")
        raise self._abortion

    def finish(self) -> None:
        """Ends the call with the status that the handler has set."""
        self.end(self._code, self._details)

    def end(self, code: StatusCode, details: str) -> None:
        """Ends the call, once; behind all that was written."""
        if self.is_ended or self.is_gone:
            return
        self.is_ended = True
        self._code, self._details = code, details
        trailers = metadata.status(code.value[0], details, self._trailing)
        session = self._carrier.session
        if self.sending:
            self.trailers = trailers
        elif self._has_responded:
            session.end(self._number, trailers)
        else:
            head = HEAD + metadata.fields(self._leading)
            session.respond(self._number, head + trailers, ends=True)
        self._settle()
