"""How servers of both transports stop."""

from __future__ import annotations

import asyncio

import grpc

from tests.calling import BIG, DEADLINE, PATIENCE, heard, refusal, stream, unary, until
from tests.transports import Served


async def test_a_stop_lets_calls_end_and_takes_no_more(served: Served) -> None:
    async with grpc.aio.insecure_channel(served.address) as channel:
        call = stream(channel)
        await call.write(b"x")
        assert await call.read() == b"x"
        stopping = asyncio.create_task(served.server.stop(PATIENCE))
        await asyncio.sleep(0)
        await call.write(b"y")
        assert await call.read() == b"y"
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK
        await asyncio.wait_for(stopping, PATIENCE)
        error = await refusal(unary(channel, "Unary"))
        assert error.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_stop_waits_for_answers_that_are_still_to_be_read(
    served: Served, channel: grpc.aio.Channel
) -> None:
    call = stream(channel)
    await call.write(BIG)
    await call.done_writing()
    await heard(served.scenes.started)
    await until(lambda: served.scenes.read == 1)
    stopping = asyncio.create_task(served.server.stop(PATIENCE))
    assert await call.read() == BIG
    assert await call.code() is grpc.StatusCode.OK
    await asyncio.wait_for(stopping, PATIENCE)


async def test_a_stop_ends_calls_that_outlast_its_grace(
    served: Served, channel: grpc.aio.Channel
) -> None:
    call = stream(channel)
    await call.write(b"x")
    assert await call.read() == b"x"
    await asyncio.wait_for(served.server.stop(DEADLINE), PATIENCE)
    assert await call.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    await heard(served.scenes.ended)
