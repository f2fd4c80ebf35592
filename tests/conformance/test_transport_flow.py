"""Both transports hold back who sends or answers more than is read, and nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from tests.calling import BIG, PATIENCE, heard, stream
from tests.transports import Served


async def test_who_does_not_read_is_held_back_and_its_neighbour_is_not(
    served: Served, channel: grpc.aio.Channel
) -> None:
    count: Any = channel.unary_stream("/scenes/Count")
    deaf = count(b"1000000")
    assert len(await deaf.read()) == 1024
    neighbour = stream(channel)
    for _ in range(50):
        await neighbour.write(b"y" * 1000)
        assert await neighbour.read() == b"y" * 1000
    assert served.scenes.written < 10_000
    deaf.cancel()


async def test_who_is_not_read_is_held_back_and_its_neighbour_is_not(
    served: Served, channel: grpc.aio.Channel
) -> None:
    unread = stream(channel, "Wait")
    await heard(served.scenes.started)
    sent = 0
    while True:
        writing = asyncio.ensure_future(unread.write(BIG))
        if not (await asyncio.wait([writing], timeout=0.5))[0]:
            break
        sent += 1
    assert sent < 10
    neighbour = stream(channel)
    for _ in range(20):
        await neighbour.write(BIG)
        assert await neighbour.read() == BIG
    served.scenes.release.set()
    for _ in range(sent + 1):
        assert await asyncio.wait_for(unread.read(), PATIENCE) == BIG
    await writing
