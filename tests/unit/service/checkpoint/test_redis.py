"""What is Redis's own; the contract of every store is in tests/conformance."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from service.checkpoint.redis import RedisStore
from service.checkpoint.store import CheckpointUnreadable, StoreUnavailable
from service.core.streams import StreamKey
from tests.redis_server import RedisServer
from tests.stores import SOON, TIMEOUT, A, RedisPlace, record, write


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[RedisStore]:
    made = RedisStore(server.url, timeout=TIMEOUT)
    yield made
    await made.close()


async def test_a_server_that_has_lost_its_scripts_is_told_them_again(
    server: RedisServer, store: RedisStore
) -> None:
    many = [write(f"s{at}", record(1, "p", at % 5)) for at in range(100)]
    assert await store.write(many) == [True] * 100
    with server.client() as client:
        client.script_flush()
    assert await store.write([*many[:3], write("s4", record(0, "p", 0))]) == [True] * 3 + [False]


async def test_an_emptied_server_takes_living_streams_again(
    server: RedisServer, store: RedisStore
) -> None:
    await store.write([write("a", record(7, "p", 5))])
    server.empty()
    assert await store.read(A) is None
    assert await store.list("", "", 10) == []
    assert await store.write([write("a", record(2, "o", 3))]) == [True]
    assert [listed.key for listed in await store.list("", "", 10)] == [A]


async def test_a_hash_that_was_deleted_by_hand_takes_its_stream_again(
    server: RedisServer, store: RedisStore
) -> None:
    await store.write([write("a", record(7, "p", 5))])
    await store.claim(A, "q")
    with server.client() as client:
        client.delete("stepwire:stream:/a")
    assert await store.claimed("p") == []
    assert await store.list("", "", 10) == []
    assert await store.write([write("a", record(2, "p", 3))]) == [True]
    assert await store.claimed("p") == []
    assert [listed.key for listed in await store.list("", "", 10)] == [A]


async def test_nothing_is_left_of_records_whose_time_is_up(
    server: RedisServer, store: RedisStore
) -> None:
    for namespace in ("", "a/b"):
        short = [
            write(f"s{at}", record(1, "p", 1), namespace=namespace, keep_for=SOON)
            for at in range(80)
        ]
        await store.write(short)
        await store.claim(short[0].key, "q")
    await store.write([write("kept", record(1, "p", 1))])
    await RedisPlace(server).pass_time(2 * SOON)
    for _ in range(4):
        await store.write([])
        await store.write([write("kept", record(1, "p", 2))])
    with server.client() as client:
        assert sorted(client.keys()) == [
            b"stepwire:expiry",
            b"stepwire:names:",
            b"stepwire:stream:/kept",
        ]
        assert client.zcard("stepwire:expiry") == client.zcard("stepwire:names:") == 1


async def test_a_record_that_lives_longer_than_the_index_says_stays_listed(
    server: RedisServer, store: RedisStore
) -> None:
    await store.write([write("a", record(1, "p", 1))])
    with server.client() as client:
        client.zadd("stepwire:expiry", {"/a": 0})
        await store.write([write("b", record(1, "p", 1), namespace="n")])
        assert (client.zscore("stepwire:expiry", "/a") or 0) > 0
    assert [listed.key for listed in await store.list("", "", 10)] == [A]


async def test_no_call_looks_through_every_key(server: RedisServer, store: RedisStore) -> None:
    with server.client() as client:
        client.config_resetstat()
    await store.create(write("a", record(1, "p", 1)))
    await store.write([write("a", record(1, "p", 2))])
    await store.list("", "", 10)
    await store.claimed("p")
    with server.client() as client:
        used = client.info("commandstats")
    assert "cmdstat_evalsha" in used or "cmdstat_eval" in used
    assert not {"cmdstat_keys", "cmdstat_scan"} & set(used)


async def test_damaged_bytes_are_told(server: RedisServer, store: RedisStore) -> None:
    await store.write([write("a", record(1, "p", 3)), write("b", record(1, "p", 3))])
    with server.client() as client:
        data = client.hget("stepwire:stream:/a", "checkpoint")
        assert data
        client.hset("stepwire:stream:/a", "checkpoint", data[:-1])
    with pytest.raises(CheckpointUnreadable, match="damaged"):
        await store.read(A)
    assert await store.read(StreamKey("", "b")) == record(1, "p", 3)


async def test_what_the_server_refuses_is_told_as_unavailable(
    server: RedisServer, store: RedisStore
) -> None:
    with server.client() as client:
        client.set("stepwire:stream:/a", "no hash")
        with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
            await store.write([write("a", record(1, "p", 1))])
        client.config_set("maxmemory", 1)
        try:
            with pytest.raises(StoreUnavailable, match="maxmemory"):
                await store.write([write("b", record(1, "p", 1))])
        finally:
            client.config_set("maxmemory", 0)
    no_such_database = RedisStore(server.url.replace("/0", "/99"), timeout=TIMEOUT)
    with pytest.raises(StoreUnavailable, match="DB index"):
        await no_such_database.read(A)
    await no_such_database.close()
