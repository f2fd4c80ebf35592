"""Domain errors as gRPC statuses."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc

from service.core.errors import (
    InvalidRequest,
    ModelInUse,
    ModelNotFound,
    ModelRefused,
    NoCapacity,
    NotAllowed,
    ServerDraining,
    ServiceError,
    StateUnusable,
    StoreDown,
    StreamChanged,
    StreamExists,
    StreamMoved,
    StreamNotFound,
    StreamTakenOver,
    TooManyStreams,
    Unauthenticated,
)

ERROR_NAME = "stepwire-error"
"""The trailing metadata that carries the error's name."""

STATUS: dict[type[ServiceError], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    ModelInUse: grpc.StatusCode.FAILED_PRECONDITION,
    ModelNotFound: grpc.StatusCode.NOT_FOUND,
    ModelRefused: grpc.StatusCode.FAILED_PRECONDITION,
    NoCapacity: grpc.StatusCode.RESOURCE_EXHAUSTED,
    NotAllowed: grpc.StatusCode.PERMISSION_DENIED,
    ServerDraining: grpc.StatusCode.UNAVAILABLE,
    StateUnusable: grpc.StatusCode.FAILED_PRECONDITION,
    StoreDown: grpc.StatusCode.UNAVAILABLE,
    StreamChanged: grpc.StatusCode.ABORTED,
    StreamExists: grpc.StatusCode.ALREADY_EXISTS,
    StreamMoved: grpc.StatusCode.ABORTED,
    StreamNotFound: grpc.StatusCode.NOT_FOUND,
    StreamTakenOver: grpc.StatusCode.ABORTED,
    TooManyStreams: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
}


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: ServiceError) -> NoReturn:
    """Ends the call with the error."""
    await context.abort(STATUS[type(error)], str(error), ((ERROR_NAME, error.name),))
