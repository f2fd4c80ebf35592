"""A connection to a Stepwire server, for asyncio."""

from __future__ import annotations

import asyncio
import weakref
from types import TracebackType
from typing import Self

import grpc

from stepwire.errors import StreamClosed
from stepwire.stream import Late, Mode, Stream
from stepwire.v1 import stream_pb2_grpc as pb_grpc

_OPTIONS = (
    # A server that comes back is found at once, one that is gone within seconds.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    # Two clients of a process do not share a connection.
    ("grpc.use_local_subchannel_pool", 1),
)


class Client:
    """Made by `connect`, closed by `async with`."""

    def __init__(self, target: str, *, retry_for: float, max_message_bytes: int) -> None:
        self._channel = grpc.aio.insecure_channel(
            target,
            options=(
                *_OPTIONS,
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", max_message_bytes),
            ),
        )
        self._stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(self._channel)
        self._retry_for = retry_for
        self._closed = False
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    def stream(
        self,
        model: str,
        *,
        stream_id: str | None = None,
        mode: Mode = "create",
        token: bytes | None = None,
        version: int | None = None,
        late: Late = "flag",
        from_step: int | None = None,
        retry_for: float | None = None,
    ) -> Stream:
        """A stream, opened by `async with`.

        `stream_id`: 1 to 128 characters of A-Za-z0-9._:- ; left out, one is made.
        `mode`: "create" a new stream, "resume" one by its id and token, or "restart": a new
        one, even if the id is in use; with the `token` of the living stream, each of them joins
        that stream. `version`: of the model; left out, the newest.
        `late`: what happens to a step whose budget is spent before it runs: it runs and is
        flagged, it is rejected, or the previous output is held. `from_step`: on resume, the
        oldest step without an answer, which is answered again if it has run. `retry_for`:
        seconds that the server may be away before Unavailable is raised.
        """
        if self._closed:
            raise StreamClosed("this client is closed: connect again")
        stream = Stream(
            lambda: self._stub.Stream(),
            model,
            stream_id=stream_id,
            mode=mode,
            token=token,
            version=version,
            late=late,
            from_step=from_step,
            retry_for=self._retry_for if retry_for is None else retry_for,
        )
        self._streams.add(stream)
        return stream

    async def close(self) -> None:
        """Ends the connection; open streams are detached."""
        self._closed = True
        await asyncio.gather(*(stream.detach() for stream in self._streams))
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def connect(target: str, *, retry_for: float = 30.0, max_message_bytes: int = 4 * 2**20) -> Client:
    """A client of the server at `target`, HOST:PORT; nothing is sent yet.

    `retry_for`: seconds that a server may be away before Unavailable is raised.
    """
    return Client(target, retry_for=retry_for, max_message_bytes=max_message_bytes)
