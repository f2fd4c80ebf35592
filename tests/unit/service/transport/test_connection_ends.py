"""How connections end, frame by frame against a real socket: by attacks, silence and stops."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from service.transport.connection import Connection
from tests.calling import until
from tests.framed import (
    ACK,
    END_STREAM,
    PATIENCE,
    Framed,
    data,
    fields,
    framed,
    head,
    literal,
)
from tests.transports import TERMS, Served, serving
from tests.unit.service.transport.echoing import MESSAGE, WIRE, echoes, is_up
from torture.frames import PREFACE, Frame, Kind


@pytest.mark.parametrize(
    "greeting",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10,
        PREFACE[:-2] + b"xx" + bytes(100),
        PREFACE + Frame(Kind.PING, 0, 0, bytes(8)).encode(),
        PREFACE + b"\xff" * 200,
    ],
    ids=["HTTP/1.1", "TLS", "preface", "no settings", "noise"],
)
async def test_who_does_not_speak_http2_is_turned_away(served: Served, greeting: bytes) -> None:
    async with framed(served.port, greets=False) as stranger:
        await stranger.send_bytes(greeting)
        await asyncio.wait_for(stranger.rest(), PATIENCE)
    await is_up(served)


def _settings(count: int) -> list[Frame]:
    return [Frame(Kind.SETTINGS, 0, 0, b"") for _ in range(count)]


def _resets(count: int) -> list[Frame]:
    reset = (8).to_bytes(4, "big")
    return [
        frame
        for n in range(count)
        for frame in (head(2 * n + 1), Frame(Kind.RST_STREAM, 0, 2 * n + 1, reset))
    ]


def _continuations(count: int) -> list[Frame]:
    more = Frame(Kind.CONTINUATION, 0, 1, literal(b"a", b"b"))
    return [Frame(Kind.HEADERS, 0, 1, fields()), *[more] * count]


def _crowded(count: int) -> list[Frame]:
    return [Frame(Kind.SETTINGS, 0, 0, (b"\x00\x03" + bytes(4)) * count)]


@pytest.mark.parametrize(
    "flood",
    [_resets(5_000), _continuations(5_000), _crowded(1_000)],
    ids=["resets", "continuations", "settings"],
)
async def test_a_flood_costs_its_connection_alone(served: Served, flood: list[Frame]) -> None:
    async with framed(served.port) as attacker:
        await attacker.send(*flood)
        await asyncio.wait_for(attacker.rest(), PATIENCE)
    await is_up(served)
    await until(lambda: not served.server._tasks)


async def test_who_takes_no_answers_to_pings_is_dropped(served: Served) -> None:
    async with framed(served.port) as attacker:
        await until(lambda: bool(served.server._connections))
        [connection] = served.server._connections
        connection.pause_writing()  # as where the socket takes no more
        await attacker.send(*[Frame(Kind.PING, 0, 0, bytes(8))] * 3_000)
        await until(lambda: not served.server._connections)
    await is_up(served)


async def test_a_client_that_falls_silent_is_dropped() -> None:
    terms = TERMS._replace(keepalive=0.05, keepalive_timeout=0.05)
    async with serving("nghttp2", terms=terms) as served:
        async with framed(served.port) as silent:
            await silent.send(head(1))
            frames = await silent.rest()
            assert Kind.PING in [frame.kind for frame in frames]
        await asyncio.wait_for(served.scenes.ended.wait(), PATIENCE)


async def test_a_client_that_answers_probes_is_kept() -> None:
    terms = TERMS._replace(keepalive=0.02, keepalive_timeout=2.0)
    async with serving("nghttp2", terms=terms) as served:
        async with framed(served.port) as quiet:
            for _ in range(2):
                probe = await quiet.until(Kind.PING)
                await quiet.send(probe._replace(flags=ACK))
            await echoes(quiet, 1)


async def test_a_stop_says_goodbye_and_closes_behind_the_last_call(
    served: Served, client: Framed
) -> None:
    await echoes(client, 1)
    stopping = asyncio.create_task(served.server.stop(PATIENCE))
    await client.until(Kind.GOAWAY)
    await client.send(data(1, MESSAGE))
    assert await client.answers(1, len(WIRE)) == WIRE
    await client.send(data(1, ends=True))
    ends = await client.rest()
    assert [(frame.kind, frame.flags & END_STREAM) for frame in ends][-1] == (Kind.HEADERS, 1)
    await asyncio.wait_for(stopping, PATIENCE)


async def test_nothing_is_left_of_a_connection(served: Served) -> None:
    async with framed(served.port) as client:
        await echoes(client, 1)
        await client.send(head(3, path=b"/scenes/Wait"))
        [connection] = served.server._connections
        gone = weakref.ref(connection)
        del connection
    await until(lambda: not (served.server._connections or served.server._tasks))
    gc.collect()
    assert gone() is None
    # By type: some lazy modules warn when they are asked for their class.
    assert not [each for each in gc.get_objects() if type(each) is Connection]
