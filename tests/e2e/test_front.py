"""The port stays open whatever arrives at it."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from stepwire import connect
from tests.e2e.conftest import Start
from tests.e2e.wire import raw_call
from torture.frames import PREFACE, Frame, Kind, call
from torture.processes import Server

ONE = np.ones(1, np.float32)
REFUSED = Frame(Kind.HEADERS, 0x5, 1, b"").encode()[3:]
"""Headers that end the call, but for their length."""


async def send_no_text(server: Server, broken: int | None) -> None:
    """Sends a path that is no text, and waits until the server has seen it.

    It ends the loop in which gRPC's own library takes calls; `broken`: for which time.
    """
    request = PREFACE + b"".join(frame.encode() for frame in call("/a.B/C", [b""]))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request.replace(b"/a.B/C", b"/a.\xff/C"))
    await writer.drain()
    async with asyncio.timeout(60):
        if broken is None:
            await reader.readuntil(REFUSED)
        while server.log.count("a request broke gRPC") < (broken or 0):
            await asyncio.sleep(0.01)
    writer.close()


@pytest.mark.parametrize("transport", ["grpc", "nghttp2"])
async def test_a_path_that_is_no_text_closes_neither_the_port_nor_a_stream(
    start: Start, transport: str
) -> None:
    server = start("--transport", transport)
    async with raw_call(server.address) as call:
        await call.open("stays")
        assert await call.add(0, 1.0) == 1.0
        for times in (1, 2):
            await send_no_text(server, times if transport == "grpc" else None)
            async with connect(server.address) as other, other.stream("accumulator") as another:
                assert (await another.step(ONE)).item() == 1.0
        assert await call.add(1, 1.0) == 2.0
    server.terminate()
    assert server.wait() == 0
