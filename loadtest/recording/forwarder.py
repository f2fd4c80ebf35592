"""Passes every gRPC call on to a server, and every answer back, byte for byte."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import grpc

from loadtest.recording.register import Register
from loadtest.recording.taps import TAPS, UNRECORDED, Tap
from stepwire.call import both

Metadata = tuple[tuple[str, str | bytes], ...]
Call = grpc.aio.StreamStreamCall[bytes, bytes]
Context = grpc.aio.ServicerContext[bytes, bytes]

_OWN = ("user-agent", "te", "content-type")
_DETAILS = "grpc-status-details-bin"
_READABLE = (
    "whoever is between the recorder and its server could read the credential: give "
    "`stepwire record` --ca or --tls, or allow it by --plaintext-credential"
)
_NAMED = (("stepwire-error", "UNAUTHENTICATED"),)
_PATIENCE = 5.0
"""Seconds that cancelled calls may take to end."""


class _Over(Exception):
    """The server has ended a call."""


class _Status(NamedTuple):
    code: grpc.StatusCode
    details: str
    trailers: Metadata

    @property
    def error(self) -> str:
        """By the protocol's name, or empty."""
        return str(dict(self.trailers).get("stepwire-error", ""))


class Forwarder(grpc.GenericRpcHandler):
    def __init__(
        self,
        channel: grpc.aio.Channel,
        register: Register,
        now_us: Callable[[], int],
        *,
        credentials_pass: bool,
    ) -> None:
        """`credentials_pass`: nobody between here and the server could read them."""
        self._channel = channel
        self._register = register
        self._now_us = now_us
        self._credentials_pass = credentials_pass
        self._calls: set[asyncio.Task[Any]] = set()
        self.unrecorded: Counter[str] = Counter()
        """Calls with steps that are not in the recording, by the path of their method."""

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        """One message is, on the wire, a stream of one: this serves every kind of method."""
        method = handler_call_details.method
        handler: Any = partial(self._serve, method)
        return grpc.stream_stream_rpc_method_handler(handler)

    async def settled(self) -> None:
        """All calls have ended, as they do once their server stops."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=_PATIENCE)

    async def _serve(self, method: str, requests: object, context: Context) -> None:
        task = asyncio.current_task()
        assert task
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        metadata = _passed_on(context.invocation_metadata() or ())
        if not self._credentials_pass and any(name == "authorization" for name, _ in metadata):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, _READABLE, _NAMED)
        if method in UNRECORDED:
            self.unrecorded[method] += 1
        tap = TAPS[method](self._register) if method in TAPS else None
        status = await self._forward(method, metadata, context, _Observer(method, tap, self))
        if status.code is not grpc.StatusCode.OK:
            await context.abort(status.code, status.details, status.trailers)
        context.set_trailing_metadata(status.trailers)

    async def _forward(
        self, method: str, metadata: Metadata, context: Context, observer: _Observer
    ) -> _Status:
        ask: Any = self._channel.stream_stream(method)
        call: Call = ask(metadata=metadata, timeout=context.time_remaining())
        ending: asyncio.Future[_Status] = asyncio.get_running_loop().create_future()

        def note(done: Call) -> None:
            if not ending.done():
                ending.set_result(_status(done))

        # As first told: a write that fails on a call that is over changes its status.
        call.add_done_callback(note)
        error = ""
        try:
            with suppress(_Over):
                await both(_requests(context, call, observer), _responses(context, call, observer))
            status = await ending
            error = status.error
            return status
        finally:
            call.cancel()
            observer.ended(error)

    def lost(self, method: str) -> None:
        """A call said what nobody understands here."""
        self.unrecorded[method] += 1

    def now_us(self) -> int:
        return self._now_us()


class _Observer:
    """A call's tap, which may fail and stop nothing."""

    def __init__(self, method: str, tap: Tap | None, forwarder: Forwarder) -> None:
        self._method = method
        self._tap = tap
        self._forwarder = forwarder

    def said(self, message: bytes) -> None:
        if tap := self._tap:
            self._attempt(lambda: tap.said(message, self._forwarder.now_us()))

    def heard(self, message: bytes) -> None:
        if tap := self._tap:
            self._attempt(lambda: tap.heard(message, self._forwarder.now_us()))

    def ended(self, error: str) -> None:
        if tap := self._tap:
            self._attempt(lambda: tap.ended(error))

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # whatever a client or a later server may send
            tap, self._tap = self._tap, None
            self._forwarder.lost(self._method)
            if tap:
                tap.ended("")


async def _requests(context: Context, call: Call, observer: _Observer) -> None:
    while True:
        message: Any = await context.read()
        if message is grpc.aio.EOF:
            await call.done_writing()
            return
        observer.said(message)
        try:
            await call.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # it is over, which the answers tell


async def _responses(context: Context, call: Call, observer: _Observer) -> None:
    """Raises _Over at the end of the call."""
    try:
        await context.send_initial_metadata(_passed_on(await call.initial_metadata()))
        while True:
            message: Any = await call.read()
            if message is grpc.aio.EOF:
                raise _Over
            observer.heard(message)
            await context.write(message)
    except grpc.aio.AioRpcError as error:
        raise _Over from error


def _passed_on(metadata: Iterable[tuple[str, str | bytes]]) -> Metadata:
    """Without what gRPC says for itself."""
    return tuple(
        (name, value)
        for name, value in metadata
        if name == _DETAILS or not (name.startswith("grpc-") or name in _OWN)
    )


def _status(call: Call) -> _Status:
    trailers = _at_once(call.trailing_metadata()) or ()
    return _Status(_at_once(call.code()), _at_once(call.details()) or "", _passed_on(trailers))


def _at_once(known: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that has nothing to wait for: the call is over."""
    try:
        known.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it had to wait")
