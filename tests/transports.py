"""A server of either transport in this process, and handlers that show what it does."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from collections.abc import AsyncIterator
from functools import cache
from typing import Any, Literal

import grpc
import pytest

from service.access.certificates import Certificates
from service.access.files import Watched
from service.api.receiving import attending
from service.api.tls import server_context, server_credentials
from service.api.writing import Writing
from service.startup import StartError
from service.transport import binding
from service.transport.connection import Terms
from service.transport.server import Server
from service.transport.session import Limits
from torture.programs import install

Kind = Literal["grpc", "nghttp2"]
LARGEST = 4 * 2**20
LIMITS = Limits(calls=2_000, header_bytes=16 * 1024, resets=1_000)
TERMS = Terms(LIMITS, LARGEST, keepalive=10.0, keepalive_timeout=5.0)
HOST = "127.0.0.1"


@cache
def _installs() -> bool:
    """Whether Debian's package is there, or could be had."""
    try:
        binding.load()
    except StartError:
        install("libnghttp2-14")
    try:
        binding.load()
    except StartError:
        return False
    return sys.platform == "linux"


def needs_nghttp2() -> None:
    if not _installs():
        pytest.skip("install the extra `stepwire[fast]` and Debian's package libnghttp2-14")


class Scenes:
    """Handlers of bytes; what became of them is kept for tests to see."""

    def __init__(self) -> None:
        self.read = 0
        self.written = 0
        self.ended = asyncio.Event()
        self.started = asyncio.Event()
        self.release = asyncio.Event()
        self.metadata: dict[str, Any] = {}
        self.faults: list[BaseException] = []

    async def unary(self, request: bytes, context: Any) -> bytes:
        self.metadata = dict(context.invocation_metadata())
        return request[::-1]

    async def echo(self, requests: Any, context: Any) -> None:
        """Answers each message with itself."""
        self.started.set()
        try:
            while (message := await context.read()) is not grpc.aio.EOF:
                self.read += 1
                await context.write(message)
                self.written += 1
        finally:
            self.ended.set()

    async def generate(self, requests: Any, context: Any) -> Any:
        """The same, as a generator."""
        async for message in requests:
            yield message

    async def converse(self, requests: Any, context: Any) -> None:
        """The same, where the messages arrive, or else where it may wait."""
        attend, writing = attending(context), Writing[bytes](context)
        waiting: list[bytes] = []

        def hear(message: bytes) -> bool:
            if not writing.offer(message):
                waiting.append(message)
            return not waiting

        while await attend(hear):
            await writing.write(waiting.pop())

    async def count(self, request: bytes, context: Any) -> Any:
        """As many answers as asked for, of 1 KB each."""
        for _ in range(int(request)):
            yield bytes(1024)
            self.written += 1

    async def collect(self, requests: Any, context: Any) -> bytes:
        return b"".join([message async for message in requests])

    async def refuse(self, request: bytes, context: Any) -> bytes:
        await context.abort(
            grpc.StatusCode.FAILED_PRECONDITION,
            "100 % of ütf-8 ⊂ text\n",
            (("reason", "plain"), ("reason-bin", b"\x00\xff\x10")),
        )
        return b""

    async def refuse_later(self, requests: Any, context: Any) -> None:
        await context.write(b"first")
        try:
            await context.abort(grpc.StatusCode.ABORTED, "then no more", (("name", "value"),))
        except grpc.aio.AbortError as error:
            for again in (context.read, lambda: context.write(b"late")):
                try:
                    await again()
                except BaseException as fault:
                    self.faults.append(fault)
            self.ended.set()
            raise error

    async def fail(self, request: bytes, context: Any) -> bytes:
        raise ValueError("no such luck")

    async def set_status(self, request: bytes, context: Any) -> bytes:
        context.set_code(grpc.StatusCode.NOT_FOUND)
        context.set_details("set")
        context.set_trailing_metadata((("name", "value"),))
        return b""

    async def wait(self, requests: Any, context: Any) -> None:
        """Neither reads nor writes until it is told to; then it is an echo."""
        self.started.set()
        try:
            await self.release.wait()
        finally:
            self.ended.set()
        await self.echo(requests, context)

    async def part_read(self, requests: Any, context: Any) -> None:
        """Reads in a task of its own, which is left behind when the handler has ended.

        Not while it writes: gRPC's library then sends no status.
        """
        written = asyncio.Event()

        async def read() -> None:
            try:
                while await context.read() is not grpc.aio.EOF:
                    await context.write(b"read")
                    written.set()
            except BaseException as fault:
                self.faults.append(fault)
            self.ended.set()

        self.reader = asyncio.create_task(read())
        await self.release.wait()
        await written.wait()

    def service(self, details: Any) -> Any:
        handlers: dict[str, Any] = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Echo": grpc.stream_stream_rpc_method_handler(self.echo),
            "Generate": grpc.stream_stream_rpc_method_handler(self.generate),
            "Converse": grpc.stream_stream_rpc_method_handler(self.converse),
            "Count": grpc.unary_stream_rpc_method_handler(self.count),
            "Collect": grpc.stream_unary_rpc_method_handler(self.collect),
            "Refuse": grpc.unary_unary_rpc_method_handler(self.refuse),
            "RefuseLater": grpc.stream_stream_rpc_method_handler(self.refuse_later),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "SetStatus": grpc.unary_unary_rpc_method_handler(self.set_status),
            "Wait": grpc.stream_stream_rpc_method_handler(self.wait),
            "PartRead": grpc.stream_stream_rpc_method_handler(self.part_read),
        }
        return handlers.get(details.method.rpartition("/")[2])


class Served:
    def __init__(self, server: Any, port: int, scenes: Scenes) -> None:
        self.server = server
        self.port = port
        self.address = f"{HOST}:{port}"
        self.scenes = scenes


@contextlib.asynccontextmanager
async def serving(
    kind: Kind,
    *,
    certificates: Watched[Certificates] | None = None,
    interceptors: tuple[grpc.aio.ServerInterceptor, ...] = (),
    more: Any = None,
    terms: Terms = TERMS,
) -> AsyncIterator[Served]:
    """`more` adds further services to the server."""
    scenes = Scenes()
    server: Any
    if kind == "grpc":
        options = [
            ("grpc.max_receive_message_length", terms.max_message_bytes),
            ("grpc.max_send_message_length", terms.max_message_bytes),
            ("grpc.http2.bdp_probe", 0),
        ]
        server = grpc.aio.server(interceptors=interceptors, options=options)
    else:
        needs_nghttp2()
        server = Server(terms, interceptors)
    server.add_generic_rpc_handlers((scenes,))
    if more:
        more(server)
    if certificates is None:
        port = server.add_insecure_port(f"{HOST}:0")
    elif kind == "grpc":
        port = server.add_secure_port(f"{HOST}:0", server_credentials(certificates))
    else:
        port = server.add_secure_port(f"{HOST}:0", server_context(certificates))
    await server.start()
    try:
        yield Served(server, port, scenes)
    finally:
        await server.stop(None)


def client_context(authority: bytes) -> ssl.SSLContext:
    """A client's, that speaks HTTP/2."""
    context = ssl.create_default_context(cadata=authority.decode())
    context.set_alpn_protocols(["h2"])
    return context
