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


class ModelRefused(ServiceError):
    """A model file that must not serve; the message says what is wrong with it."""

    name = "MODEL_REFUSED"


class ModelInUse(ServiceError):
    """Streams run on the version, and so no other file may take its place."""

    name = "MODEL_IN_USE"


class StreamNotFound(ServiceError):
    name = "STREAM_NOT_FOUND"


class StreamExists(ServiceError):
    name = "STREAM_EXISTS"


class StreamTakenOver(ServiceError):
    name = "STREAM_TAKEN_OVER"


class StreamMoved(ServiceError):
    """Another version of its model has the stream; its connection opens it again."""

    name = "STREAM_MOVED"


class TooManyStreams(ServiceError):
    name = "TOO_MANY_STREAMS"


class NoCapacity(ServiceError):
    """The declared rate does not fit beside those already admitted."""

    name = "NO_CAPACITY"


class StreamChanged(ServiceError):
    """The state was replaced from outside; who was connected resumes it, knowing that."""

    name = "STREAM_CHANGED"


class StateUnusable(ServiceError):
    """The stored state does not fit the model that the stream would resume on."""

    name = "STATE_UNUSABLE"


class StoreDown(ServiceError):
    """The request needs the state store, and it does not answer."""

    name = "STORE_DOWN"


class Unauthenticated(ServiceError):
    name = "UNAUTHENTICATED"


class NotAllowed(ServiceError):
    """The credential does not cover this."""

    name = "NOT_ALLOWED"


class ServerDraining(ServiceError):
    name = "SERVER_DRAINING"


class WorkerFailed(ServiceError):
    """A worker did not carry out an order about models."""

    name = "WORKER_FAILED"


class ServerFailed(ServiceError):
    """A fault of the server, which its log tells of."""

    name = "SERVER_FAILED"


class StepFault(IntEnum):
    """Why a step was not accepted; its number is not consumed. Values as in stream.proto."""

    INVALID_INPUT = 1
    RESULT_NOT_FINITE = 2
    STEP_GAP = 3
    STEP_CONFLICT = 4
    STEP_TOO_OLD = 5
    STEP_LATE = 6
    RUN_FAILED = 7
    RESOURCE_EXHAUSTED = 8
    """Beyond the window of a stream in a fleet."""
