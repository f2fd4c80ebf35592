"""Stepwire's client: live sequences through served recurrent models, one timestep at a time.

    async with stepwire.connect("localhost:50051") as client:
        async with client.stream("pendulum-gru", stream_id="robot-7") as stream:
            y = await stream.step(x)

`stepwire.sync` has the same without `async`.
"""

from stepwire.client import Client, connect
from stepwire.errors import (
    InvalidInput,
    InvalidRequest,
    ModelInUse,
    ModelNotFound,
    ModelRefused,
    NoCapacity,
    NotAllowed,
    ResultNotFinite,
    RunFailed,
    StateLost,
    StateUnusable,
    StepConflict,
    StepError,
    StepGap,
    StepLate,
    StepTimeout,
    StepTooOld,
    StepwireError,
    StreamChanged,
    StreamClosed,
    StreamExists,
    StreamMoved,
    StreamNotFound,
    StreamTakenOver,
    TooManyStreams,
    Unauthenticated,
    Unavailable,
    WindowFull,
    WorkerFailed,
)
from stepwire.fleet import Fleet, MembersFailed
from stepwire.info import StepInfo
from stepwire.states import Forked, StreamState, StreamSummary
from stepwire.stream import Stream

__all__ = [
    "Client",
    "Fleet",
    "Forked",
    "InvalidInput",
    "InvalidRequest",
    "MembersFailed",
    "ModelInUse",
    "ModelNotFound",
    "ModelRefused",
    "NoCapacity",
    "NotAllowed",
    "ResultNotFinite",
    "RunFailed",
    "StateLost",
    "StateUnusable",
    "StepConflict",
    "StepError",
    "StepGap",
    "StepInfo",
    "StepLate",
    "StepTimeout",
    "StepTooOld",
    "StepwireError",
    "Stream",
    "StreamChanged",
    "StreamClosed",
    "StreamExists",
    "StreamMoved",
    "StreamNotFound",
    "StreamState",
    "StreamSummary",
    "StreamTakenOver",
    "TooManyStreams",
    "Unauthenticated",
    "Unavailable",
    "WindowFull",
    "WorkerFailed",
    "connect",
]
