"""Streams beyond one process: engines that share a store."""

from __future__ import annotations

import dataclasses

import pytest

from service.core.directory import Directory
from service.core.errors import (
    InvalidRequest,
    StoreDown,
    StreamNotFound,
    TooManyStreams,
)
from service.core.streams import Mode, StreamKey
from service.engine import Engine
from service.lanes.lanes import Lanes
from tests.fakes import MODEL, Connection, accumulator_lane, request
from tests.outside import OTHER
from tests.replicas import Replica, Shared, until

KEY = StreamKey("", "robot")


async def test_what_was_saved_outlives_its_process() -> None:
    store = Shared()
    session = await Replica(store).create()
    assert await session.add(5.0) == 5.0
    await session.saved()
    resumed = await Replica(store, takeover_wait=0.0).resume()
    assert (resumed.opened.next_step, resumed.opened.durable_step) == (1, 1)
    assert resumed.opened.stream.exact
    assert await resumed.add(2.0) == 7.0


async def test_a_new_stream_is_in_the_store_before_it_is_open() -> None:
    store = Shared()
    await Replica(store).create()
    assert (await Replica(store, takeover_wait=0.0).resume()).opened.next_step == 0


async def test_resuming_on_the_same_process_needs_no_store() -> None:
    replica = Replica(Shared())
    session = await replica.create()
    await session.add(5.0)
    session.detach()
    replica.line.cut = True
    assert await (await replica.resume()).add(1.0) == 6.0


async def test_a_closed_stream_is_gone_everywhere_and_its_id_is_free() -> None:
    store = Shared()
    replica, other = Replica(store), Replica(store)
    session = await replica.create()
    await session.add(5.0)
    session.close()
    with pytest.raises(StreamNotFound):
        await replica.resume()
    with pytest.raises(StreamNotFound):
        await other.resume()
    assert (await other.create()).opened.next_step == 0


async def test_a_full_server_leaves_detached_streams_to_the_store() -> None:
    replica = Replica(Shared(), limit=2)
    sessions = [await replica.create(name) for name in ("a", "b")]
    for x, session in enumerate(sessions):
        await session.add(x + 1.0)
    with pytest.raises(TooManyStreams):
        await replica.create("c")
    sessions[0].detach()
    third = await replica.create("c")
    assert replica.lane.slots.held == 2
    assert sum(lane.streams.spilled for lane in replica.engine.readings().lanes) == 1
    third.close()
    resumed = await replica.resume("a")
    assert resumed.opened.next_step == 1
    assert await resumed.add(10.0) == 11.0


async def test_a_full_server_keeps_its_streams_while_the_store_is_away() -> None:
    replica = Replica(Shared(), limit=1)
    session = await replica.create()
    session.detach()
    replica.line.cut = True
    await until(lambda: replica.degraded)
    with pytest.raises((TooManyStreams, StoreDown)):
        await replica.create("another")
    assert (await replica.resume()).opened.next_step == 0


async def test_a_sync_stream_answers_only_what_is_in_the_store() -> None:
    store = Shared()
    replica = Replica(store)
    session = await replica.open(dataclasses.replace(request(), sync=True))
    assert await session.add(5.0) == 5.0
    assert store.step(KEY) == 1
    replica.line.cut = True
    session.send(1.0)
    await until(lambda: replica.degraded)
    assert session.totals == [5.0]
    replica.line.cut = False
    await until(lambda: session.totals == [5.0, 6.0])


async def test_a_sync_stream_needs_a_store() -> None:
    lanes, directory = Lanes({MODEL: accumulator_lane()}, {}), Directory(limit=1, idle_limit=60.0)
    with pytest.raises(InvalidRequest, match="--store"):
        await Engine(lanes, directory).open(dataclasses.replace(request(), sync=True), Connection())


async def test_a_stranger_hears_of_the_store_whether_or_not_the_stream_is_here() -> None:
    replica = Replica(Shared())
    await replica.create()
    replica.line.cut = True
    for stream_id in ("robot", "nobody"):
        with pytest.raises(StoreDown):
            await replica.open(request(stream_id, Mode.RESUME, OTHER))


async def test_an_expired_stream_leaves_the_store_too() -> None:
    store = Shared()
    replica = Replica(store, idle_limit=0.02)
    (await replica.create()).detach()
    await until(lambda: replica.lane.slots.held == 0)
    with pytest.raises(StreamNotFound):
        await Replica(store).resume()
