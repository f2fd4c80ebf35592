"""Reading a call, message by message."""

from __future__ import annotations

from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from service.core.errors import InvalidRequest

Request = TypeVar("Request", bound=Message)


async def received(
    context: grpc.aio.ServicerContext[Any, Any], kind: type[Request]
) -> Request | None:
    """The next request, or None where the client has sent its last. Raises InvalidRequest."""
    try:
        message = await context.read()
    except DecodeError as error:
        raise InvalidRequest(f"not a {kind.__name__}: {error}") from error
    except grpc.aio.AbortError:
        return None  # the handler has ended the call
    return message if isinstance(message, kind) else None
