"""One gRPC call: what is said and heard, and by what name it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Generic, Protocol, TypeVar

import grpc

from stepwire import errors
from stepwire.v1 import stream_pb2 as pb

T = TypeVar("T")
Request = TypeVar("Request")
Response = TypeVar("Response")


class Conversation(Protocol):
    """Of one stream with its server."""

    async def say(self, message: pb.StreamRequest) -> bool:
        """False if it is over; `hear` tells why."""

    async def say_no_more(self) -> None: ...

    async def hear(self) -> pb.StreamResponse:
        """The next message. Raises a StepwireError at the end."""

    def cancel(self) -> None: ...


class Call(Generic[Request, Response]):
    def __init__(self, call: grpc.aio.StreamStreamCall[Request, Response]) -> None:
        self._call = call
        self._ending: errors.StepwireError | None = None
        # As first told: a write that fails on a call that is over makes gRPC say INTERNAL
        # of it from then on, whatever the server said.
        call.add_done_callback(self._note_ending)

    def _note_ending(self, call: grpc.aio.StreamStreamCall[Request, Response]) -> None:
        code, details = _at_once(call.code()), _at_once(call.details())
        if code is not grpc.StatusCode.OK:
            trailers = _at_once(call.trailing_metadata())
            self._ending = errors.from_call(code, details, trailers)

    async def say(self, message: Request) -> bool:
        """False if the call is over; `hear` tells why."""
        try:
            await self._call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return False
        return True

    async def say_no_more(self) -> None:
        await self._call.done_writing()

    async def hear(self) -> Response:
        """The next message. Raises a StepwireError at the end of the call."""
        try:
            message: Any = await self._call.read()
        except grpc.aio.AioRpcError as error:
            failure = self._ending or errors.from_call(error.code(), error.details(), None)
            raise failure from error
        if message is grpc.aio.EOF:
            raise errors.Unavailable("the server ended the call")
        response: Response = message
        return response

    def cancel(self) -> None:
        self._call.cancel()


async def both(*work: Coroutine[None, None, None]) -> None:
    """Runs both until one fails; then neither goes on."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _at_once(known: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that has nothing to wait for."""
    try:
        known.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it had to wait")
