"""The port stays open whatever arrives at it."""

from __future__ import annotations

import asyncio

import numpy as np

from stepwire import connect
from tests.e2e.conftest import Start
from tests.e2e.wire import raw_call
from torture.frames import PREFACE, call
from torture.processes import Server

ONE = np.ones(1, np.float32)


async def break_grpc(server: Server, times: int) -> None:
    """Sends the request that ends gRPC's loop, and waits until the server has seen it."""
    request = PREFACE + b"".join(frame.encode() for frame in call("/a.B/C", [b""]))
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request.replace(b"/a.B/C", b"/a.\xff/C"))
    await writer.drain()
    async with asyncio.timeout(20):
        while server.log.count("a request broke gRPC") < times:
            await asyncio.sleep(0.01)
    writer.close()


async def test_a_path_that_is_no_text_closes_neither_the_port_nor_a_stream(start: Start) -> None:
    server = start()
    async with raw_call(server.address) as call:
        await call.open("stays")
        assert await call.add(0, 1.0) == 1.0
        for times in (1, 2):
            await break_grpc(server, times)
            async with connect(server.address) as other, other.stream("accumulator") as another:
                assert (await another.step(ONE)).item() == 1.0
        assert await call.add(1, 1.0) == 2.0
    server.terminate()
    assert server.wait() == 0
