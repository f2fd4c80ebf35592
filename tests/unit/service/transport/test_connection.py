"""Connections, frame by frame against a real socket: what is said on them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.framed import (
    ACK,
    END_HEADERS,
    END_STREAM,
    PADDED,
    PATIENCE,
    Framed,
    data,
    fields,
    framed,
    head,
    literal,
)
from tests.transports import LARGEST, Served
from tests.unit.service.transport.echoing import MESSAGE, WIRE, echoes, is_up
from torture.frames import Frame, Kind, prefixed


async def test_a_message_in_frames_of_one_byte_is_one(client: Framed) -> None:
    pieces = [Frame(Kind.DATA, 0, 1, WIRE[n : n + 1]) for n in range(len(WIRE))]
    await client.send(head(1), *pieces)
    assert await client.answers(1, len(WIRE)) == WIRE


async def test_an_empty_frame_ends_what_is_sent(client: Framed) -> None:
    await client.send(head(1), data(1, MESSAGE), Frame(Kind.DATA, END_STREAM, 1, b""))
    assert await client.answers(1, len(WIRE)) == WIRE
    await client.until(Kind.HEADERS, 1, END_STREAM)


async def test_a_call_that_ends_leaves_the_connection_to_others(client: Framed) -> None:
    for stream in (1, 3, 5):
        await echoes(client, stream)
        await client.send(data(stream, ends=True))
        await client.until(Kind.HEADERS, stream, END_STREAM)


async def test_a_message_longer_than_a_window_is_taken_while_it_comes(client: Framed) -> None:
    body = prefixed(bytes(300_000))
    await client.send(head(1))
    sent, granted = 0, 65_535
    while sent < len(body):
        piece = body[sent : sent + min(granted, 16_384)]
        if piece:
            await client.send(Frame(Kind.DATA, 0, 1, piece))
            sent, granted = sent + len(piece), granted - len(piece)
        else:
            update = await client.until(Kind.WINDOW_UPDATE, 1)
            granted += int.from_bytes(update.payload, "big")
    assert await client.answers(1, len(body)) == body


async def test_calls_that_are_not_read_keep_no_window_from_their_neighbours(
    client: Framed,
) -> None:
    streams = range(1, 81, 2)
    for stream in streams:
        await client.send(head(stream, path=b"/scenes/Wait"))
        for _ in range(3):
            await client.send(data(stream, bytes(16_000)))
    await echoes(client, streams.stop)


async def test_bytes_for_calls_that_are_over_keep_no_window_from_their_neighbours(
    client: Framed,
) -> None:
    for stream in range(1, 81, 2):
        await client.send(head(stream, path=b"/scenes/Nothing"))
        for _ in range(3):
            await client.send(data(stream, bytes(16_000)))
    await echoes(client, 101)


async def test_padding_is_given_back_to_the_window(client: Framed) -> None:
    await client.send(head(1))
    padded = Frame(Kind.DATA, PADDED, 1, bytes([255]) + WIRE + bytes(255))
    for _ in range(50):
        for _ in range(100):
            await client.send(padded)
        await client.answers(1, 100 * len(WIRE))


async def test_answers_to_all_that_came_together_leave_together(served: Served) -> None:
    async with framed(served.port) as client:
        opened = [frame for stream in (1, 3, 5) for frame in (head(stream), data(stream, MESSAGE))]
        await client.send(*opened)
        for stream in (1, 3, 5):
            await client.answers(stream, len(WIRE))
        [connection] = served.server._connections
        writes: list[int] = []
        write = connection._transport.write

        def record(part: bytes) -> None:
            writes.append(len(part))
            write(part)

        connection._transport = Recorder(connection._transport, record)
        await client.send(*(data(stream, MESSAGE) for stream in (1, 3, 5)))
        for stream in (1, 3, 5):
            await client.answers(stream, len(WIRE))
        assert writes == [3 * (9 + len(WIRE))]


class Recorder:
    """A transport whose writes are seen."""

    def __init__(self, transport: Any, write: Any) -> None:
        self._transport = transport
        self.write = write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


@pytest.mark.parametrize(
    ("name", "value"), [("method", b"GET"), ("content_type", b"text/html"), ("grpc_timeout", b"x")]
)
async def test_what_is_no_call_is_answered_and_dropped(
    client: Framed, name: str, value: bytes
) -> None:
    changes: Any = {name: value}
    await client.send(head(1, **changes))
    await client.until(Kind.HEADERS, 1, END_STREAM)
    await echoes(client, 3)


@pytest.mark.parametrize(
    "path", [b"/a.\xff/C", b"", b"*", b"/", b"/a\x00b", b"no slash", b"/" * 900]
)
async def test_a_path_that_names_nothing_costs_its_call_at_most(
    served: Served, client: Framed, path: bytes
) -> None:
    await client.send(head(1, path=path))
    while (answer := await client.hear()) and answer.stream != 1:
        pass
    assert answer is None or answer.kind in (Kind.HEADERS, Kind.RST_STREAM)
    await is_up(served)


async def test_headers_beyond_the_limit_end_their_call(client: Framed) -> None:
    many = b"".join(literal(b"x-%d" % n, bytes(40).replace(b"\0", b"v")) for n in range(300))
    parts = [many[n : n + 16_000] for n in range(0, len(many), 16_000)]
    first = Frame(Kind.HEADERS, 0, 1, fields())
    last = len(parts) - 1
    rest = [
        Frame(Kind.CONTINUATION, END_HEADERS if n == last else 0, 1, part)
        for n, part in enumerate(parts)
    ]
    await client.send(first, *rest)
    await client.until(Kind.HEADERS, 1, END_STREAM)
    await echoes(client, 3)


@pytest.mark.parametrize("encoding", [b"gzip", b"zstd", b"identity"])
async def test_what_cannot_be_unpacked_ends_its_call(client: Framed, encoding: bytes) -> None:
    body = prefixed(MESSAGE, compressed=1)
    await client.send(head(1, grpc_encoding=encoding), Frame(Kind.DATA, 0, 1, body))
    await client.until(Kind.HEADERS, 1, END_STREAM)
    await echoes(client, 3)


async def test_a_message_beyond_the_limit_is_refused_before_it_comes(client: Framed) -> None:
    body = prefixed(b"x", length=LARGEST + 1)
    await client.send(head(1), Frame(Kind.DATA, 0, 1, body))
    await client.until(Kind.HEADERS, 1, END_STREAM)
    await echoes(client, 3)


async def test_a_ping_is_answered(client: Framed) -> None:
    await client.send(Frame(Kind.PING, 0, 0, b"12345678"))
    assert (await client.until(Kind.PING, 0, ACK)).payload == b"12345678"


async def test_a_call_reset_by_its_client_is_cancelled(served: Served, client: Framed) -> None:
    await client.send(head(1))
    await asyncio.wait_for(served.scenes.started.wait(), PATIENCE)
    await client.send(Frame(Kind.RST_STREAM, 0, 1, (8).to_bytes(4, "big")))
    await asyncio.wait_for(served.scenes.ended.wait(), PATIENCE)
    await echoes(client, 3)
