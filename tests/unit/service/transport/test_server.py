from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import grpc
import pytest

from service.transport.server import Server
from stepwire.v1 import state_pb2 as state
from tests.framed import Framed
from tests.transports import HOST, TERMS, needs_nghttp2, serving
from torture.frames import PREFACE


async def test_a_taken_port_is_refused() -> None:
    async with serving("nghttp2") as served:
        with pytest.raises(RuntimeError, match="cannot listen"):
            served.server.add_insecure_port(served.address)


async def test_processes_may_share_a_port() -> None:
    needs_nghttp2()
    first, second = (Server(TERMS, shares_port=True) for _ in range(2))
    port = first.add_insecure_port(f"{HOST}:0")
    assert second.add_insecure_port(f"{HOST}:{port}") == port
    for server in (first, second):
        await server.start()
        await server.stop(None)


@pytest.mark.parametrize("host", ["localhost", "[::1]", "0.0.0.0", "[::]"])
async def test_a_host_may_be_named_in_any_way(host: str) -> None:
    needs_nghttp2()
    server = Server(TERMS)
    port = server.add_insecure_port(f"{host}:0")
    await server.start()
    near = "::1" if host in ("[::1]", "[::]") else "127.0.0.1"
    reader, writer = await asyncio.open_connection(near, port)
    await Framed(reader, writer).send_bytes(PREFACE)
    assert await reader.readexactly(9)
    writer.close()
    await writer.wait_closed()
    await server.stop(None)


async def test_a_host_that_is_not_known_is_refused() -> None:
    needs_nghttp2()
    with pytest.raises(RuntimeError, match="cannot listen"):
        Server(TERMS).add_insecure_port("host.invalid:0")


@pytest.mark.parametrize("kind", ["unary_stream", "stream_stream"])
async def test_what_is_no_message_of_a_method_is_told_its_client_alone(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def serve(request: Any, context: Any) -> Any:
        async for message in request if kind == "stream_stream" else context.requests():
            yield message

    make = getattr(grpc, f"{kind}_rpc_method_handler")
    method = make(serve, state.GetStateRequest.FromString)

    def add(server: Server) -> None:
        handlers = grpc.method_handlers_generic_handler("typed", {"Get": method})
        server.add_generic_rpc_handlers((handlers,))

    async with serving("nghttp2", more=add) as served:
        async with grpc.aio.insecure_channel(served.address) as channel:
            get: Any = channel.stream_stream("/typed/Get")
            call = get(iter([b"\xff\xff"]))
            assert await call.code() is grpc.StatusCode.INTERNAL
            assert "not a message of this method" in await call.details()
    assert [entry for entry in caplog.records if entry.levelno >= logging.WARNING] == []


async def test_who_leaves_without_a_word_leaves_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async with serving("nghttp2") as served:
        for said in (b"", PREFACE, PREFACE + bytes(3)):
            with socket.create_connection((HOST, served.port)) as plain:
                plain.sendall(said)
        await asyncio.sleep(0)
    assert [entry for entry in caplog.records if entry.levelno >= logging.WARNING] == []
