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
    ServerFailed,
    ServiceError,
    StateUnusable,
    StepFault,
    StoreDown,
    StreamChanged,
    StreamExists,
    StreamMoved,
    StreamNotFound,
    StreamTakenOver,
    TooManyStreams,
    Unauthenticated,
    WorkerFailed,
)

ERROR_NAME = "stepwire-error"
"""The trailing metadata that carries the error's name."""
ERROR_MESSAGE = "stepwire-message-bin"
"""And its message in UTF-8: a proxy that resets an answered call replaces the status's own."""
_LONGEST_MESSAGE = 1000
"""Bytes: it is in the trailers twice, at up to three times and four thirds of its length, and
clients take 8 KB of them by default.
"""

STATUS: dict[type[ServiceError], grpc.StatusCode] = {
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    ModelInUse: grpc.StatusCode.FAILED_PRECONDITION,
    ModelNotFound: grpc.StatusCode.NOT_FOUND,
    ModelRefused: grpc.StatusCode.FAILED_PRECONDITION,
    NoCapacity: grpc.StatusCode.RESOURCE_EXHAUSTED,
    NotAllowed: grpc.StatusCode.PERMISSION_DENIED,
    ServerDraining: grpc.StatusCode.UNAVAILABLE,
    ServerFailed: grpc.StatusCode.INTERNAL,
    StateUnusable: grpc.StatusCode.FAILED_PRECONDITION,
    StoreDown: grpc.StatusCode.UNAVAILABLE,
    StreamChanged: grpc.StatusCode.ABORTED,
    StreamExists: grpc.StatusCode.ALREADY_EXISTS,
    StreamMoved: grpc.StatusCode.ABORTED,
    StreamNotFound: grpc.StatusCode.NOT_FOUND,
    StreamTakenOver: grpc.StatusCode.ABORTED,
    TooManyStreams: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    WorkerFailed: grpc.StatusCode.INTERNAL,
}
STEP_STATUS = {
    StepFault.INVALID_INPUT: grpc.StatusCode.INVALID_ARGUMENT,
    StepFault.RESULT_NOT_FINITE: grpc.StatusCode.OUT_OF_RANGE,
    StepFault.STEP_GAP: grpc.StatusCode.FAILED_PRECONDITION,
    StepFault.STEP_CONFLICT: grpc.StatusCode.FAILED_PRECONDITION,
    StepFault.STEP_TOO_OLD: grpc.StatusCode.FAILED_PRECONDITION,
    StepFault.STEP_LATE: grpc.StatusCode.DEADLINE_EXCEEDED,
    StepFault.RUN_FAILED: grpc.StatusCode.INTERNAL,
    StepFault.RESOURCE_EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
"""Of a call that is for one timestep alone."""
_CODES = {error.name: code for error, code in STATUS.items()} | {
    fault.name: code for fault, code in STEP_STATUS.items()
}


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: ServiceError) -> NoReturn:
    """Ends the call with the error."""
    await abort_by_name(context, error.name, str(error))


async def abort_by_name(
    context: grpc.aio.ServicerContext[Any, Any], name: str, message: str
) -> NoReturn:
    """Ends the call with the error of that name: of a timestep, or met in another process."""
    encoded = message.encode()[:_LONGEST_MESSAGE]
    whole = encoded.decode(errors="ignore")
    told = ((ERROR_NAME, name), (ERROR_MESSAGE, whole.encode()))
    await context.abort(_CODES.get(name, grpc.StatusCode.INTERNAL), whole, told)
