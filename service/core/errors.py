"""Why a request is refused. The names are part of the wire; transports map them to codes."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ServiceError(Exception):
    """Ends a call, or refuses to begin one."""

    name: ClassVar[str]


class InvalidRequest(ServiceError):
    name = "INVALID_REQUEST"


class ModelNotFound(ServiceError):
    name = "MODEL_NOT_FOUND"


class StreamNotFound(ServiceError):
    name = "STREAM_NOT_FOUND"


class StreamExists(ServiceError):
    name = "STREAM_EXISTS"


class StreamTakenOver(ServiceError):
    name = "STREAM_TAKEN_OVER"


class TooManyStreams(ServiceError):
    name = "TOO_MANY_STREAMS"


class ServerDraining(ServiceError):
    name = "SERVER_DRAINING"


class StepFault(IntEnum):
    """Why a step was not accepted; its number is not consumed. Values as in stream.proto."""

    INVALID_INPUT = 1
    RESULT_NOT_FINITE = 2
    STEP_GAP = 3
    STEP_CONFLICT = 4
    STEP_TOO_OLD = 5
    STEP_LATE = 6
    RUN_FAILED = 7


class ModelRefused(Exception):
    """A model file that must not serve; the message says what is wrong with it."""
