"""Both transports, seen by gRPC's own client: the same scenes, the same answers."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from tests.calling import BIG, PATIENCE, stream, unary
from tests.transports import Served


async def test_a_unary_call_is_answered(channel: grpc.aio.Channel) -> None:
    assert await unary(channel, "Unary", b"abc") == b"cba"


async def test_an_empty_message_is_one(channel: grpc.aio.Channel) -> None:
    assert await unary(channel, "Unary") == b""
    call = stream(channel)
    await call.write(b"")
    assert await call.read() == b""


@pytest.mark.parametrize("method", ["Echo", "Generate", "Converse"])
async def test_a_stream_answers_each_message_and_ends_behind_the_last(
    channel: grpc.aio.Channel, method: str
) -> None:
    call = stream(channel, method)
    for message in (b"one", b"two", BIG, b"three"):
        await call.write(message)
        assert await call.read() == message
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("method", ["Echo", "Converse"])
async def test_messages_may_be_sent_ahead(channel: grpc.aio.Channel, method: str) -> None:
    sent = [b"%d" % number for number in range(500)]
    echo: Any = channel.stream_stream(f"/scenes/{method}")
    call = echo(iter(sent))
    assert [message async for message in call] == sent


@pytest.mark.parametrize("method", ["Echo", "Converse"])
async def test_large_messages_may_come_between_small_ones(
    channel: grpc.aio.Channel, method: str
) -> None:
    """Larger than a window, and so given back before they are read, their tails beside others."""
    sent = [bytes(size) for size in (100_000, 2000, 2000, 150_000, 2000)] * 40
    echo: Any = channel.stream_stream(f"/scenes/{method}")
    async with asyncio.timeout(PATIENCE):
        assert [len(message) async for message in echo(iter(sent))] == list(map(len, sent))


async def test_many_answers_follow_one_request(channel: grpc.aio.Channel) -> None:
    count: Any = channel.unary_stream("/scenes/Count")
    call = count(b"300")
    assert [len(message) async for message in call] == [1024] * 300


async def test_one_answer_follows_many_requests(channel: grpc.aio.Channel) -> None:
    collect: Any = channel.stream_unary("/scenes/Collect")
    assert await collect(iter([b"a", BIG, b"c"])) == b"a" + BIG + b"c"


async def test_metadata_arrives_as_text_and_as_bytes(
    served: Served, channel: grpc.aio.Channel
) -> None:
    sent = (("a", "text, with commas"), ("b-bin", bytes(range(7))))
    await unary(channel, "Unary", metadata=sent)
    assert served.scenes.metadata.items() >= dict(sent).items()


async def test_a_thousand_calls_share_a_connection(channel: grpc.aio.Channel) -> None:
    calls = [stream(channel) for _ in range(1000)]

    async def converse(number: int, call: Any) -> bytes:
        await call.write(b"%d" % number)
        answer: bytes = await call.read()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        return answer

    answers = await asyncio.gather(*(converse(*each) for each in enumerate(calls)))
    assert answers == [b"%d" % number for number in range(1000)]
