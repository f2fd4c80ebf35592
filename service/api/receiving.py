"""Reading a call, message by message."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias, TypeVar, TypeVarTuple

import grpc
from google.protobuf.message import DecodeError, Message

from service.api.bell import Bell
from service.core.errors import InvalidRequest, ServerFailed, ServiceError

Context: TypeAlias = grpc.aio.ServicerContext[bytes, Any]
Request = TypeVar("Request", bound=Message)
Given = TypeVarTuple("Given")
Hear: TypeAlias = Callable[[bytes], bool]
"""Takes a message; returns whether it takes another one. Raises nothing."""

log = logging.getLogger(__name__)


async def received(context: Context) -> bytes | None:
    """The next message, or None where the client has sent its last."""
    try:
        message = await context.read()
    except grpc.aio.AbortError:
        return None  # the handler has ended the call
    return message if isinstance(message, bytes) else None


def parsed(data: bytes, kind: type[Request]) -> Request:
    """Raises InvalidRequest."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise _not_a(kind, error) from error


def attending(context: Context) -> Callable[[Hear], Awaitable[bool]]:
    """What has a call heard: each message is told until one is enough. False: the client has
    sent its last, or left.

    A transport that can tells messages where they arrive, without waking a task.
    """
    attend: Callable[[Hear], Awaitable[bool]] | None = getattr(context, "attend", None)
    return attend or partial(_attend, context)


async def _attend(context: Context, hear: Hear) -> bool:
    try:
        while isinstance(data := await context.read(), bytes):
            if not hear(data):
                return True
            del data  # it is larger than it looks, and the next may be long in coming
    except grpc.aio.AbortError:
        pass  # the handler has ended the call
    return False


class Receiver(ABC):
    """A call that hears messages while it has room for their answers."""

    def __init__(self) -> None:
        self._reading = True
        self._news = Bell()
        """Wakes who writes."""
        self._room = Bell()
        """Wakes who reads."""

    @property
    @abstractmethod
    def _is_full(self) -> bool:
        """Whether no message may come for now."""

    async def _read(self, context: Context, hear: Hear) -> None:
        attend = attending(context)
        try:
            while self._reading and await attend(hear):
                while self._reading and self._is_full:
                    await self._room.heard()
        finally:
            self._reading = False
            self._news.ring()

    def _read_no_further(self) -> None:
        """Leaves the read under way to end with the call.

        grpc.aio never frees what belongs to a read that is cancelled (grpc/grpc#43360).
        """
        self._reading = False
        self._room.ring()


def fault(
    kind: type[Message], take: Callable[[*Given], object], *given: *Given
) -> ServiceError | None:
    """Why a message of that kind could not be taken, so that its call ends; None: it was."""
    try:
        take(*given)
    except DecodeError as error:
        return _not_a(kind, error)
    except ServiceError as error:
        return error
    except Exception as error:  # whatever it is, the client waits for answers
        log.exception("a request could not be taken")
        return ServerFailed(f"a request could not be taken: {error!r}")
    return None


def _not_a(kind: type[Message], error: DecodeError) -> InvalidRequest:
    return InvalidRequest(f"not a {kind.__name__}: {error}")
