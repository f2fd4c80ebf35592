"""The server: finds a call's handler, and runs it. It is used as grpc.aio's is."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc
from grpc import StatusCode

from service.transport import binding
from service.transport.call import Call
from service.transport.connection import Connection, Terms
from service.transport.metadata import Metadata

log = logging.getLogger(__name__)

_BACKLOG = 1024
_HANDSHAKE_SECONDS = 20.0
_MOMENT = 0.2
"""Seconds that clients have to take their last bytes."""

Find = Callable[["Details"], Awaitable[Any]]


@dataclass(slots=True)
class Details:
    """What a handler is found by; gRPC's HandlerCallDetails."""

    method: str
    invocation_metadata: Metadata


class Server:
    def __init__(
        self,
        terms: Terms,
        interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
        *,
        shares_port: bool = False,
    ) -> None:
        """`shares_port`: other processes listen on it too. Raises StartError."""
        binding.load()
        self._terms = terms
        self._shares_port = shares_port
        self._handlers: list[grpc.GenericRpcHandler] = []
        self._find = _chained(self._found, interceptors)
        self._listening: list[tuple[socket.socket, ssl.SSLContext | None]] = []
        self._servers: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._is_stopping = False

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """The first that knows a method serves it."""
        self._handlers += handlers

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Does nothing: generated code gives the same methods to `add_generic_rpc_handlers`."""

    def add_insecure_port(self, address: str) -> int:
        """The port taken. Raises RuntimeError if it cannot be had."""
        return self._bind(address, None)

    def add_secure_port(self, address: str, context: ssl.SSLContext) -> int:
        """As `add_insecure_port`; `context` offers `h2` by ALPN."""
        return self._bind(address, context)

    def _bind(self, address: str, context: ssl.SSLContext | None) -> int:
        host, _, service = address.rpartition(":")
        port = int(service)
        try:
            found = socket.getaddrinfo(
                host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            for family, *_, place in found:
                bound = _socket(family, (place[0], port, *place[2:]), self._shares_port)
                self._listening.append((bound, context))
                port = bound.getsockname()[1]
        except OSError as error:
            raise RuntimeError(f"cannot listen on {address}: {error}") from error
        return port

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        for bound, context in self._listening:
            patience = _HANDSHAKE_SECONDS if context else None
            self._servers.append(
                await loop.create_server(
                    self._connection,
                    sock=bound,
                    backlog=_BACKLOG,
                    ssl=context,
                    ssl_handshake_timeout=patience,
                )
            )

    async def stop(self, grace: float | None) -> None:
        """Takes no more calls, and ends those that are open after `grace` seconds, or at once."""
        self._is_stopping = True
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.leave()
        await self._emptied(grace or 0.0)
        for connection in list(self._connections):
            for call in connection.calls:
                if isinstance(call, Call):
                    call.stop(StatusCode.UNAVAILABLE, "the server stops")
        await self._emptied(_MOMENT)
        for connection in list(self._connections):
            connection.abort()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_MOMENT)

    async def _emptied(self, patience: float) -> None:
        """Returns once every client is gone, told all that was for it; after so many seconds
        at the latest.
        """
        self._empty.clear()
        if self._connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), patience)

    def _connection(self) -> Connection:
        return Connection(self._terms, self)

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        if self._is_stopping:
            connection.leave()

    def gone(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    def serve(self, call: Call) -> None:
        call.task = task = asyncio.get_running_loop().create_task(self._run(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, call: Call) -> None:
        try:
            details = Details(call.request.path, call.request.metadata)
            handler = await self._find(details)
            if handler is None:
                call.end(StatusCode.UNIMPLEMENTED, "Method not found!")
                return
            call.parse = handler.request_deserializer
            call.serialize = handler.response_serializer
            await _handle(handler, call)
            call.finish()
        except grpc.aio.AbortError:
            call.end(StatusCode.UNKNOWN, "the handler has aborted another call")
        except asyncio.CancelledError:
            call.end(StatusCode.CANCELLED, "the server has cancelled the call")
        except Exception as error:
            _fail(call, error)

    async def _found(self, details: Details) -> Any:
        for each in self._handlers:
            handler = each.service(details)
            if handler is not None:
                return handler
        return None


def _fail(call: Call, error: Exception) -> None:
    """Tells client and log of a handler that failed; the log is spared what clients bring about,
    and those that have themselves said how the call ends, as methods without implementation do.
    """
    if call.code() is not StatusCode.OK:
        call.finish()
    elif call.is_misread:
        call.end(StatusCode.INTERNAL, f"not a message of this method: {error}")
    elif not (call.is_gone and isinstance(error, grpc.aio.UsageError)):
        log.error("%s failed", call.request.path, exc_info=error)
        call.end(StatusCode.UNKNOWN, f"Unexpected {type(error)}: {error}")


async def _handle(handler: Any, call: Call) -> None:
    """Runs the handler, of whichever shape."""
    if handler.request_streaming:
        given: Any = call.requests()
    else:
        given = await call.read()
        if given is grpc.aio.EOF:
            await call.abort(StatusCode.INTERNAL, "a call of this method has one message")
    if not handler.response_streaming:
        serve = handler.stream_unary if handler.request_streaming else handler.unary_unary
        call.put_last(await serve(given, call))
        return
    serve = handler.stream_stream if handler.request_streaming else handler.unary_stream
    answers = serve(given, call)
    if hasattr(answers, "__aiter__"):
        async for answer in answers:
            await call.write(answer)
    else:
        await answers


def _chained(find: Find, interceptors: Sequence[Any]) -> Find:
    """The first interceptor is asked first."""
    for interceptor in reversed(interceptors):
        find = _intercepted(find, interceptor)
    return find


def _intercepted(find: Find, interceptor: Any) -> Find:
    def intercept(details: Details) -> Awaitable[Any]:
        found: Awaitable[Any] = interceptor.intercept_service(find, details)
        return found

    return intercept


def _socket(family: int, address: Any, shares_port: bool) -> socket.socket:
    """Bound, and not listening yet. Raises OSError."""
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shares_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6 and address[0] != "::":
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
