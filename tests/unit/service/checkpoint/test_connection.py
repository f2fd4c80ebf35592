"""How a Redis server is reached, and what is told of one that is not."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from service.checkpoint.redis import RedisStore
from service.checkpoint.store import StoreUnavailable
from service.core.streams import StreamKey
from tests.redis_server import RedisServer, redis_running
from tests.stores import TIMEOUT, A, once_it_answers, record, write

SHORT = 0.5
"""Seconds that a store waits for a server that will not answer."""


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[RedisStore]:
    made = RedisStore(server.url, timeout=TIMEOUT)
    yield made
    await made.close()


@pytest.fixture
async def hasty(server: RedisServer) -> AsyncIterator[RedisStore]:
    made = RedisStore(server.url, timeout=SHORT)
    yield made
    await made.close()


async def test_a_frozen_server_is_told_and_found_again(
    server: RedisServer, hasty: RedisStore
) -> None:
    await once_it_answers(lambda: hasty.write([write("a", record(1, "p", 1))]))
    server.freeze()
    try:
        for call in (
            hasty.read(A),
            hasty.write([write("a", record(1, "p", 2))]),
            hasty.write([write("a", record(1, "p", 2, state=bytes(2**24)))]),
        ):
            with pytest.raises(StoreUnavailable, match="did not answer within 0.5 s"):
                await call
    finally:
        server.thaw()
    newest = record(1, "p", 3)
    assert await once_it_answers(lambda: hasty.write([write("a", newest)])) == [True]
    assert await once_it_answers(lambda: hasty.read(A)) == newest


async def test_many_calls_to_a_frozen_server_end_together(
    server: RedisServer, hasty: RedisStore
) -> None:
    server.freeze()
    try:
        ended = await asyncio.wait_for(
            asyncio.gather(*(hasty.read(A) for _ in range(200)), return_exceptions=True),
            # One after another on each connection, they would take 25 times SHORT.
            timeout=TIMEOUT,
        )
    finally:
        server.thaw()
    assert {type(end) for end in ended} == {StoreUnavailable}


async def test_a_killed_server_is_told_and_has_everything_when_it_is_back(
    server: RedisServer, store: RedisStore
) -> None:
    for step in range(1, 20):
        await store.write([write("a", record(1, "p", step))])
    server.kill()
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=f"redis://127.0.0.1:{server.port}/0: "):
            await store.write([write("a", record(1, "p", 20))])
    server.start()
    assert await store.read(A) == record(1, "p", 19)
    assert await store.write([write("a", record(1, "p", 21))]) == [True]


async def test_a_lost_connection_is_told_once_and_not_hidden_by_a_retry(
    server: RedisServer, store: RedisStore
) -> None:
    await store.write([write("a", record(1, "p", 1))])
    server.kill()
    server.start()
    with pytest.raises(StoreUnavailable):
        await store.write([write("a", record(1, "p", 2))])
    assert await store.write([write("a", record(1, "p", 2))]) == [True]


async def test_connections_lost_at_rest_are_told_once_though_nobody_called_meanwhile(
    server: RedisServer, store: RedisStore
) -> None:
    """The server may have lost all it had, and must be written everything again."""
    await asyncio.gather(*(store.read(A) for _ in range(4)))
    server.kill()
    await asyncio.sleep(0.01)  # the event loop hears of it
    server.start()
    with pytest.raises(StoreUnavailable, match="lost while it was at rest"):
        await store.write([write("a", record(1, "p", 1))])
    for step in range(1, 9):
        assert await store.write([write("a", record(1, "p", step))]) == [True]


async def test_a_call_given_up_does_not_leave_its_reply_to_the_next(store: RedisStore) -> None:
    await store.write([write(f"s{at}", record(1, "p", at % 5)) for at in range(50)])
    for at in range(50):
        given_up = asyncio.create_task(store.read(StreamKey("", f"s{at}")))
        for _ in range(at % 8):
            await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert await store.read(StreamKey("", "s1")) == record(1, "p", 1)


async def test_more_calls_than_connections_are_all_answered(store: RedisStore) -> None:
    await store.write([write(f"s{at}", record(1, "p", at % 5)) for at in range(200)])
    read = await asyncio.gather(*(store.read(StreamKey("", f"s{at}")) for at in range(200)))
    assert read == [record(1, "p", at % 5) for at in range(200)]


async def test_a_password_is_used_and_never_told(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    with server.client() as client:
        client.config_set("requirepass", "s3cret")
        try:
            for password in ("s3cret", "s3cre7"):
                url = server.url.replace("//", f"//:{password}@")
                store = RedisStore(url, timeout=TIMEOUT)
                told.append(repr(store))
                try:
                    told.append(repr(await store.read(A)))
                except StoreUnavailable as error:
                    told += [str(error), repr(error), repr(error.__cause__)]
                await store.close()
        finally:
            client.config_set("requirepass", "")
    assert told[1] == "None"
    assert "invalid username-password pair" in told[3]
    assert not [line for line in [*told, caplog.text] if "s3cre" in line]


async def test_a_server_is_spoken_to_by_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        tmp_path / "server.pem"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    files = {"cert": "server.pem", "key": "server.pem", "ca-cert": "ca.pem"}
    flags = [part for name, file in files.items() for part in (f"--tls-{name}-file", file)]
    trusted = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={tmp_path / 'ca.pem'}"
    flags += ["--tls-port", str(port), "--tls-auth-clients", "no"]
    with redis_running(tmp_path, *flags) as server:
        store = RedisStore(trusted, timeout=TIMEOUT)
        assert await store.write([write("a", record(1, "p", 3))]) == [True]
        assert await store.read(A) == record(1, "p", 3)
        await store.close()
        stranger = RedisStore(f"rediss://127.0.0.1:{port}/0", timeout=TIMEOUT)
        with pytest.raises(StoreUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.read(A)
        await stranger.close()
        hasty = RedisStore(trusted, timeout=SHORT)
        server.freeze()
        with pytest.raises(StoreUnavailable, match="did not answer within 0.5 s"):
            await hasty.write([write("a", record(1, "p", 4))])
        await hasty.close()
