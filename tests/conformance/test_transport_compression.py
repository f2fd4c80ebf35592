"""Both transports take messages that gRPC's own client has compressed."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from tests.transports import LARGEST, serving

SENT = [bytes(1000), b"", random.Random(0).randbytes(1000), b"a" * LARGEST]


@pytest.fixture(params=["grpc", "nghttp2"])
async def channel(request: pytest.FixtureRequest) -> AsyncIterator[grpc.aio.Channel]:
    async with serving(request.param) as served:
        async with grpc.aio.insecure_channel(served.address) as found:
            yield found


@pytest.fixture(params=[grpc.Compression.Gzip, grpc.Compression.Deflate])
def how(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_they_are_what_they_were(channel: grpc.aio.Channel, how: Any) -> None:
    echo: Any = channel.stream_stream("/scenes/Echo")
    call = echo(compression=how)
    for message in SENT:
        await call.write(message)
        assert await call.read() == message
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_many_may_be_sent_ahead(channel: grpc.aio.Channel, how: Any) -> None:
    echo: Any = channel.stream_stream("/scenes/Echo")
    call = echo(iter(SENT[:3] * 100), compression=how)
    assert [message async for message in call] == SENT[:3] * 100


async def test_one_may_be_alone(channel: grpc.aio.Channel, how: Any) -> None:
    unary: Any = channel.unary_unary("/scenes/Unary")
    assert await unary(b"abc" * 100, compression=how) == b"cba" * 100


async def test_what_is_too_large_once_it_is_unpacked_ends_its_call(
    channel: grpc.aio.Channel, how: Any
) -> None:
    echo: Any = channel.stream_stream("/scenes/Echo")
    call = echo(compression=how)
    await call.write(bytes(LARGEST + 1))
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
