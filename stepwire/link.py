"""Keeps a stream connected: opens its call, speaks and listens, and resumes after a failure."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import grpc

from stepwire import errors
from stepwire.sequence import Sequence
from stepwire.v1 import stream_pb2 as pb

_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.02, 0.5

Call = grpc.aio.StreamStreamCall[pb.StreamRequest, pb.StreamResponse]


class Link:
    def __init__(
        self,
        connect: Callable[[], Call],
        open_request: pb.Open,
        sequence: Sequence,
        *,
        on_connected: Callable[[pb.Opened], None],
        on_disconnected: Callable[[errors.Unavailable], None],
        on_ended: Callable[[errors.StepwireError], None],
    ) -> None:
        """`on_ended`: the stream is over for this link, which does not come back."""
        self._connect = connect
        self._open_request = open_request
        self._sequence = sequence
        self._on_connected = on_connected
        self._on_disconnected = on_disconnected
        self._on_ended = on_ended
        self._was_open = False
        self._connected = False
        self._ended = False
        self._last_words: list[pb.StreamRequest] | None = None
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """The sequence has something to send."""
        self._news.set()

    async def end(self, *, close: bool, patience: float) -> None:
        """Ends the call once everything sent is answered; `patience` in seconds.

        Without a connection the server learns nothing and keeps the stream detached.
        """
        self._last_words = [pb.StreamRequest(close=pb.Close())] if close else []
        self._news.set()
        if self._connected:
            await asyncio.wait([self._task], timeout=patience)
        self._task.cancel()
        await asyncio.wait([self._task])
        self._finish(errors.StreamClosed("this stream was closed or detached: open it again"))

    def _finish(self, failure: errors.StepwireError) -> None:
        if not self._ended:
            self._ended = True
            self._on_ended(failure)

    async def _run(self) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            try:
                await self._converse()
                failure: errors.StepwireError = errors.Unavailable("the server ended the call")
            except errors.StepwireError as error:
                failure = error
            except Exception as error:  # a fault of this library must not leave steps waiting
                failure = errors.StepwireError(f"unexpected {error!r}: please report it")
            if self._connected:
                backoff = _FIRST_BACKOFF
            self._connected = False
            if self._last_words is not None:
                return
            if not isinstance(failure, errors.Unavailable):
                self._finish(failure)
                return
            self._on_disconnected(failure)
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))
            backoff = min(2 * backoff, _LONGEST_BACKOFF)

    async def _converse(self) -> None:
        call = self._connect()
        sender = None
        try:
            await self._greet(call)
            sender = asyncio.create_task(self._speak(call))
            while message := await _hear(call):
                self._take(message)
        finally:
            if sender:
                sender.cancel()
            call.cancel()

    async def _greet(self, call: Call) -> None:
        await _say(call, pb.StreamRequest(open=self._open_request))
        try:
            answer = await _hear(call)
        except errors.StreamNotFound as error:
            raise self._not_found(error) from error
        if answer is None or answer.WhichOneof("event") != "opened":
            raise errors.StepwireError("the server does not speak this protocol")
        if self._was_open:
            self._sequence.resumed(answer.opened.next_step)
        self._on_connected(answer.opened)
        self._was_open = self._connected = True
        self._open_request.stream_id = answer.opened.stream_id
        self._open_request.version = answer.opened.version
        self._open_request.mode = pb.OPEN_MODE_RESUME

    def _not_found(self, error: errors.StreamNotFound) -> errors.StreamNotFound:
        if not self._was_open:
            return error
        return errors.StateLost(f"{error}: its state is lost; open a new stream and start over")

    async def _speak(self, call: Call) -> None:
        while True:
            while timestep := self._sequence.take_unsent():
                if not await _said(call, timestep.message(time.monotonic())):
                    return
            if self._last_words is not None:
                for message in self._last_words:
                    await _said(call, message)
                await call.done_writing()
                return
            self._news.clear()
            await self._news.wait()

    def _take(self, message: pb.StreamResponse) -> None:
        event = message.WhichOneof("event")
        if event == "output":
            self._sequence.on_output(message.output)
        elif event == "error":
            self._sequence.on_error(message.error)
            self._news.set()


async def _say(call: Call, message: pb.StreamRequest) -> None:
    try:
        await call.write(message)
    except grpc.aio.AioRpcError as error:
        raise _named(error) from error


async def _said(call: Call, message: pb.StreamRequest) -> bool:
    """False if the call is over; whoever listens to it learns why."""
    try:
        await call.write(message)
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        return False
    return True


async def _hear(call: Call) -> pb.StreamResponse | None:
    """The next message, or None at the orderly end of the call."""
    try:
        message = await call.read()
    except grpc.aio.AioRpcError as error:
        raise _named(error) from error
    return message if isinstance(message, pb.StreamResponse) else None


def _named(error: grpc.aio.AioRpcError) -> errors.StepwireError:
    name = (error.trailing_metadata() or grpc.aio.Metadata()).get("stepwire-error")
    text = name.decode() if isinstance(name, bytes) else name
    return errors.from_call(error.code(), error.details() or "no reason given", text)
