"""A connection to a Stepwire server, for asyncio."""

from __future__ import annotations

import asyncio
import secrets
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypedDict, Unpack

import grpc

from stepwire.call import Call, Conversation
from stepwire.channel import Metadata, PemFile, Security, open_channel
from stepwire.errors import StreamClosed
from stepwire.fleet import Fleet
from stepwire.opening import Late, Mode, open_request
from stepwire.sharing import SharedCall
from stepwire.states import States
from stepwire.stream import OnUnprotected, Stream
from stepwire.tracing import trace_context
from stepwire.v1 import stream_pb2_grpc as pb_grpc

REPLAY_BYTES = 4 * 2**20
"""Of the inputs that a stream keeps: about 16,000 timesteps of 16 float32."""


class FleetOptions(TypedDict, total=False):
    """What `Client.stream` takes for each of many streams."""

    mode: Mode
    token: bytes | None
    version: int | None
    late: Late
    retry_for: float | None
    sync: bool
    rate_hz: float | None
    on_unprotected: OnUnprotected
    replay_bytes: int


class Client:
    """Made by `connect`, closed by `async with`."""

    def __init__(
        self,
        target: str,
        *,
        retry_for: float,
        max_message_bytes: int,
        coalesce: bool,
        security: Security,
    ) -> None:
        self._channel: grpc.aio.Channel = open_channel(target, security, max_message_bytes)
        self._stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(self._channel)
        self._metadata = security.metadata()
        self.states = States(self._channel, self._metadata_of)
        """Reads, sets, copies and lists the states of streams."""
        self._retry_for = retry_for
        self._closed = False
        self._coalesce = coalesce
        self._route = secrets.token_hex(8)
        self._shared: SharedCall | None = None
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
        sync: bool = False,
        rate_hz: float | None = None,
        on_unprotected: OnUnprotected = "continue",
        replay_bytes: int = REPLAY_BYTES,
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
        `rate_hz`: how many steps a second there will be, for a server that admits by load.

        Where the server's store is durable, the inputs that it does not have yet are kept here,
        up to `replay_bytes`, and given again to a server that comes back from a crash. When
        they are more, `on_unprotected` says what happens: "continue" drops the oldest, and a
        crash then raises StateLost; "wait" has the step wait until the store has caught up.
        `sync`: no answer comes before the state behind it is in the store.
        """
        if self._closed:
            raise StreamClosed("this client is closed: connect again")
        request = open_request(
            model,
            stream_id=stream_id,
            mode=mode,
            token=token,
            version=version,
            late=late,
            sync=sync,
            rate_hz=rate_hz,
        )
        stream = Stream(
            self._conversation,
            request,
            from_step=from_step,
            retry_for=self._retry_for if retry_for is None else retry_for,
            on_unprotected=on_unprotected,
            replay_bytes=replay_bytes,
        )
        self._streams.add(stream)
        return stream

    def fleet(
        self, model: str, streams: int | Sequence[str], **options: Unpack[FleetOptions]
    ) -> Fleet:
        """Many streams that are stepped together by arrays, opened by `async with`.

        `streams`: how many, or their ids. The options are those of `stream`, of each of them.
        """
        ids = [None] * streams if isinstance(streams, int) else streams
        return Fleet([self.stream(model, stream_id=id_, **options) for id_ in ids])

    def _conversation(self, stream_id: str) -> Conversation:
        """A lone stream has the shortest path, in a call of its own; others share one."""
        others = (each for each in self._streams if each.live and each.id != stream_id)
        if not self._coalesce or next(others, None) is None:
            return Call(self._stub.Stream(metadata=self._metadata_of(stream_id)))
        if self._shared is None or self._shared.over:
            metadata = self._metadata_of(self._route)
            self._shared = SharedCall(lambda: self._stub.Fleet(metadata=metadata))
        return self._shared.member()

    def _metadata_of(self, stream_id: str) -> Metadata:
        """Whoever balances load by `stepwire-route` sends a stream where it was before."""
        return (("stepwire-route", stream_id), *trace_context(), *self._metadata)

    async def close(self) -> None:
        """Ends the connection; open streams are detached."""
        self._closed = True
        await asyncio.gather(*(stream.detach() for stream in self._streams))
        if self._shared:
            await self._shared.close()
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


def connect(
    target: str,
    *,
    retry_for: float = 30.0,
    max_message_bytes: int = 4 * 2**20,
    coalesce: bool = True,
    tls: bool = False,
    ca: PemFile | None = None,
    certificate: PemFile | None = None,
    key: PemFile | None = None,
    credential: str | None = None,
    plaintext_credential: bool = False,
) -> Client:
    """A client of the server at `target`, HOST:PORT; nothing is sent yet.

    `retry_for`: seconds that a server may be away before Unavailable is raised. `coalesce`:
    streams of this client share a call, on which steps that are ready together travel in one
    message; a lone stream has a call of its own. Otherwise each has one.

    `ca`: a PEM file of the authorities that the server's certificate may come from; with
    `tls=True` alone, those that gRPC knows. `certificate` and `key`: PEM files of this client's
    own, where the server asks for one. `credential`: the bearer token that the server knows
    this client by; unencrypted it goes to this machine only, elsewhere with
    `plaintext_credential=True`. Raises ValueError, or OSError if a file cannot be read.
    """
    security = Security(
        tls=tls,
        ca=ca,
        certificate=certificate,
        key=key,
        credential=credential,
        plaintext_credential=plaintext_credential,
    )
    return Client(
        target,
        retry_for=retry_for,
        max_message_bytes=max_message_bytes,
        coalesce=coalesce,
        security=security,
    )
