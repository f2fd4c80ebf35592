"""What can go wrong, by name. Every message says what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from stepwire.v1 import stream_pb2 as pb

Trailers = Iterable[tuple[str, str | bytes]]


class StepwireError(Exception):
    """The base of all errors of this package."""


class Unavailable(StepwireError):
    """No server answered in time. The stream stays usable: step again."""


class StreamMoved(Unavailable):
    """Another version of the model has the stream now; the client opens it again by itself."""


class StepTimeout(StepwireError, TimeoutError):
    """The step was not answered within its timeout. It keeps its number; its answer is dropped."""


class StreamClosed(StepwireError):
    """The stream was closed or detached here: open it again."""


class InvalidRequest(StepwireError):
    """The server does not understand the request."""


class ModelNotFound(StepwireError):
    """No such model serves there."""


class ModelRefused(StepwireError):
    """The model file must not serve; what served before still does."""


class ModelInUse(StepwireError):
    """Streams run on this version: give the other file a version of its own."""


class StreamNotFound(StepwireError):
    """There is no such stream, or its token is another: create it."""


class StateLost(StreamNotFound):
    """The server no longer has the state of this stream: open a new one and start over."""


class StreamExists(StepwireError):
    """The id is in use: resume the stream with its token, restart it, or choose another id."""


class StreamTakenOver(StepwireError):
    """Another connection has this stream now; this one does not come back by itself."""


class TooManyStreams(StepwireError):
    """The server is full."""


class NoCapacity(StepwireError):
    """The declared rate does not fit on the server beside the streams it has."""


class StreamChanged(StepwireError):
    """The state was replaced from outside: resume the stream and go on from its `next_step`."""


class StateUnusable(StepwireError):
    """The stored state does not fit the model that serves: start a new stream."""


class Unauthenticated(StepwireError):
    """The server asks for a credential, or does not know this one."""


class NotAllowed(StepwireError):
    """The credential does not cover this."""


class WorkerFailed(StepwireError):
    """A worker of the service did not carry out an order about models; its log says why."""


class StepError(StepwireError):
    """A step was not accepted. Its number is not consumed and the state is as it was."""

    def __init__(self, message: str, step: int | None = None, next_step: int | None = None) -> None:
        super().__init__(message)
        self.step = step
        """The refused step; None if it was refused before it was sent."""
        self.next_step = next_step
        """The step that the server expects; None if it was not asked."""


class InvalidInput(StepError):
    """Wrong names, shape, dtype or size, or NaN or Inf: mend the input and step again."""


class ResultNotFinite(StepError):
    """The model's result is NaN or Inf for this input: look at the input's scale."""


class StepGap(StepError):
    """The server has not seen the steps before this one: send `next_step` first."""


class StepConflict(StepError):
    """The step has already run, with other inputs."""


class StepTooOld(StepError):
    """The step has already run, and its output is no longer kept."""


class StepLate(StepError):
    """The budget was spent before the step ran, and the stream rejects late steps."""


class RunFailed(StepError):
    """The server could not run the model; its log says why."""


class WindowFull(StepError):
    """As many steps of the stream are unanswered as its window holds: hear an answer first."""


_BY_NAME: dict[str, type[StepwireError]] = {
    "INVALID_REQUEST": InvalidRequest,
    "MODEL_NOT_FOUND": ModelNotFound,
    "MODEL_REFUSED": ModelRefused,
    "MODEL_IN_USE": ModelInUse,
    "STREAM_NOT_FOUND": StreamNotFound,
    "STREAM_EXISTS": StreamExists,
    "STREAM_TAKEN_OVER": StreamTakenOver,
    "TOO_MANY_STREAMS": TooManyStreams,
    "NO_CAPACITY": NoCapacity,
    "NOT_ALLOWED": NotAllowed,
    "SERVER_DRAINING": Unavailable,
    "STATE_UNUSABLE": StateUnusable,
    "STORE_DOWN": Unavailable,
    "STREAM_CHANGED": StreamChanged,
    "STREAM_MOVED": StreamMoved,
    "UNAUTHENTICATED": Unauthenticated,
    "WORKER_FAILED": WorkerFailed,
}

_BY_CODE: dict[int, type[StepError]] = {
    1: InvalidInput,
    2: ResultNotFinite,
    3: StepGap,
    4: StepConflict,
    5: StepTooOld,
    6: StepLate,
    7: RunFailed,
    8: WindowFull,
}

# What a broken connection looks like; anything else would fail again in the same way.
_TRANSIENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)


def from_call(
    code: grpc.StatusCode, details: str | None, trailers: Trailers | None
) -> StepwireError:
    """The error of a failed call, by its status and its trailing metadata.

    A proxy that resets an answered call replaces the status, and leaves the trailers.
    """
    told = dict(trailers or ())
    name, message = told.get("stepwire-error"), told.get("stepwire-message-bin")
    if isinstance(message, bytes):
        details = message.decode(errors="replace")
    details = details or "no reason given"
    if isinstance(name, str) and name in _BY_NAME:
        return _BY_NAME[name](details)
    if code in _TRANSIENT:
        return Unavailable(details)
    return StepwireError(f"{code.name}: {details}")


def by_name(name: str, message: str) -> StepwireError:
    """The error of a stream that a fleet does not have, or has no longer."""
    return _BY_NAME[name](message) if name in _BY_NAME else StepwireError(f"{name}: {message}")


def from_step(error: pb.StepError) -> StepError:
    """The error of a refused step."""
    return _BY_CODE.get(error.code, StepError)(error.message, error.step, error.next_step)
