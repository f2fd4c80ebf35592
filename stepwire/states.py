"""The states of streams on a server: read, set, copied, listed, without a connection to them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

import grpc
import numpy as np
import numpy.typing as npt

from stepwire import errors
from stepwire.channel import Metadata
from stepwire.opening import checked_id
from stepwire.tensors import Array
from stepwire.v1 import state_pb2 as pb
from stepwire.v1 import state_pb2_grpc as pb_grpc

Place = Literal["attached", "detached", "stored"]
Request = TypeVar("Request")
Response = TypeVar("Response")

_TOKEN_BYTES = 16
_PLACES: dict[int, Place] = {
    pb.STREAM_PLACE_ATTACHED: "attached",
    pb.STREAM_PLACE_DETACHED: "detached",
    pb.STREAM_PLACE_STORED: "stored",
}


@dataclass(frozen=True, slots=True)
class StreamState:
    """A stream between two timesteps."""

    states: Mapping[str, Array]
    """By name, without the batch axis."""
    model: str
    version: int
    digest: str
    """SHA-256 of the model file, in hexadecimal."""
    numerics: str
    """The arithmetic that made the state: equal strings give equal bits."""
    next_step: int
    durable_step: int
    """The steps before it are in the server's store; 0 without a durable one."""


class Forked(NamedTuple):
    """A stream that was made by copying another."""

    stream_id: str
    token: bytes
    model: str
    version: int
    next_step: int


class StreamSummary(NamedTuple):
    stream_id: str
    model: str
    version: int
    next_step: int
    place: Place
    """In the memory of the server that was asked, or else in the store."""


class States:
    """Every method may raise Unavailable, also where the server's store is away, and all that
    name a stream StreamNotFound: there is none of this id with this token. What can be no
    stream's id is a ValueError.
    """

    def __init__(self, channel: grpc.aio.Channel, metadata: Callable[[str], Metadata]) -> None:
        """`metadata`: what goes with a call about the stream of an id."""
        self._stub: pb_grpc.StreamStateAsyncStub = pb_grpc.StreamStateStub(channel)
        self._metadata = metadata

    async def get(self, stream_id: str, token: bytes) -> StreamState:
        """The stream as it is; it goes on undisturbed."""
        request = pb.GetStateRequest(stream_id=stream_id, token=token)
        answer = await self._ask(self._stub.Get, request, stream_id)
        return StreamState(
            {tensor.name: _decoded(tensor) for tensor in answer.states},
            answer.model,
            answer.version,
            answer.digest,
            answer.numerics,
            answer.next_step,
            answer.durable_step,
        )

    async def put(
        self,
        stream_id: str,
        token: bytes,
        state: StreamState | Mapping[str, npt.ArrayLike],
        *,
        next_step: int | None = None,
    ) -> int:
        """Sets the stream to a state, every array of it; returns its next step.

        A StreamState brings its next step along, and is refused by a model of another digest.
        Of plain arrays neither is known: the stream keeps its step. `next_step` goes before
        both. Who is connected to the stream gets StreamChanged. Raises InvalidRequest if the
        arrays are not the model's.
        """
        request = _put_request(stream_id, token, state, next_step)
        answer = await self._ask(self._stub.Put, request, stream_id)
        return answer.next_step

    async def reset(self, stream_id: str, token: bytes) -> None:
        """Sets the stream to its initial state, at step 0.

        Who is connected to it gets StreamChanged.
        """
        request = pb.ResetStreamRequest(stream_id=stream_id, token=token)
        await self._ask(self._stub.Reset, request, stream_id)

    async def delete(self, stream_id: str, token: bytes) -> None:
        """Ends the stream. Who is connected to it gets StreamChanged."""
        request = pb.DeleteStreamRequest(stream_id=stream_id, token=token)
        await self._ask(self._stub.Delete, request, stream_id)

    async def fork(
        self,
        stream_id: str,
        token: bytes,
        *,
        new_stream_id: str | None = None,
        new_token: bytes | None = None,
    ) -> Forked:
        """Copies the stream, which goes on undisturbed; the copy waits to be resumed.

        Id and token of the copy are made here where they are left out. Raises StreamExists.
        """
        request = pb.ForkStreamRequest(
            stream_id=stream_id,
            token=token,
            new_stream_id=checked_id(new_stream_id or secrets.token_hex(8)),
            new_token=new_token or secrets.token_bytes(_TOKEN_BYTES),
        )
        answer = await self._ask(self._stub.Fork, request, stream_id)
        return Forked(
            answer.stream_id, answer.token, answer.model, answer.version, answer.next_step
        )

    async def list(self) -> list[StreamSummary]:
        """The living streams that the caller's credential covers, by their ids."""
        found: list[StreamSummary] = []
        request = pb.ListStreamsRequest()
        while True:
            page = await self._ask(self._stub.List, request)
            found += map(_summary, page.streams)
            if not page.after:
                return found
            request.after = page.after

    async def _ask(
        self,
        rpc: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        stream_id: str | None = None,
    ) -> Response:
        """Raises a StepwireError, or ValueError for what is no stream id."""
        route = "" if stream_id is None else checked_id(stream_id)
        try:
            return await rpc(request, metadata=self._metadata(route))
        except grpc.aio.AioRpcError as error:
            raise errors.from_call(
                error.code(), error.details(), error.trailing_metadata()
            ) from error
        except grpc.aio.UsageError as error:
            raise errors.StreamClosed("this client is closed: connect again") from error


def _put_request(
    stream_id: str,
    token: bytes,
    state: StreamState | Mapping[str, npt.ArrayLike],
    next_step: int | None,
) -> pb.PutStateRequest:
    request = pb.PutStateRequest(stream_id=stream_id, token=token, next_step=next_step)
    if not isinstance(state, StreamState):
        request.states.extend(map(_encoded, state, state.values()))
        return request
    request.digest, request.numerics = state.digest, state.numerics
    request.states.extend(map(_encoded, state.states, state.states.values()))
    if next_step is None:
        request.next_step = state.next_step
    return request


def _decoded(tensor: pb.StateTensor) -> Array:
    dtype = np.dtype(tensor.dtype).newbyteorder("<")
    return np.frombuffer(tensor.data, dtype).reshape(tuple(tensor.shape)).copy()


def _encoded(name: str, value: npt.ArrayLike) -> pb.StateTensor:
    array = np.asarray(value)
    return pb.StateTensor(
        name=name,
        dtype=array.dtype.name,
        shape=array.shape,
        data=array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes(),
    )


def _summary(message: pb.StreamSummary) -> StreamSummary:
    return StreamSummary(
        message.stream_id,
        message.model,
        message.version,
        message.next_step,
        _PLACES[message.place],
    )
