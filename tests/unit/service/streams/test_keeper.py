"""What rounds of saving do, also when something goes wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from service.checkpoint.store import StoreUnavailable, Write
from service.core.errors import ServerDraining, ServiceError, StoreDown
from service.core.model import Array
from service.core.streams import StreamKey
from service.lanes.lane import Lane
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.stepper import Stepper
from tests.fakes import MODEL, request
from tests.lossy import ILLEGAL
from tests.replicas import Replica, Shared, until

KEY = StreamKey("", "robot")
LARGEST_WRITE = 128
"""Records."""


async def test_a_detached_stream_is_saved_at_once() -> None:
    store = Shared()
    session = await Replica(store, interval=600.0).create()
    await session.add(5.0)
    await session.saved()
    await session.add(5.0)
    session.detach()
    await until(lambda: store.step(KEY) == 2)


async def test_a_round_that_finds_nothing_new_writes_nothing() -> None:
    replica = Replica(Shared())
    session = await replica.create()
    await session.add(1.0)
    await session.saved()
    written, rounds = replica.line.writes, replica.store_reading.counts.rounds
    await until(lambda: replica.store_reading.counts.rounds > rounds + 3)
    assert replica.line.writes == written


async def test_a_stream_that_stands_still_is_not_forgotten_by_the_store() -> None:
    store = Shared(clock=asyncio.get_running_loop().time)
    replica = Replica(store, interval=5.0, idle_limit=60.0)
    await replica.create()
    await asyncio.sleep(3 * 60.0)
    assert store.step(KEY) == 0


async def test_a_stream_goes_on_without_its_store_and_is_saved_when_it_returns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Shared()
    replica = Replica(store)
    session = await replica.create()
    replica.line.cut = True
    with caplog.at_level(logging.WARNING):
        await until(lambda: replica.degraded)
        assert await session.add(5.0) == 5.0
        with pytest.raises(StoreDown, match="open it again in a moment"):
            await replica.create("another")
        assert session.connection.durable_step == 0
        replica.line.cut = False
        await session.saved()
    assert not replica.degraded
    gone, back = (record.message for record in caplog.records)
    assert gone.startswith("degraded: streams go on in memory only")
    assert back.startswith("the state store is back")


async def test_a_store_that_comes_back_empty_is_written_again() -> None:
    store = Shared()
    replica = Replica(store)
    session = await replica.create()
    await session.add(5.0)
    await session.saved()
    replica.line.cut = True
    await until(lambda: replica.degraded)
    replica.line.store = emptied = Shared()
    replica.line.cut = False
    await until(lambda: not replica.degraded)
    assert emptied.step(KEY) == 1


async def test_a_server_that_stops_tries_again_after_a_round_that_failed() -> None:
    store = Shared()
    replica = Replica(store)
    session = await replica.create()
    await session.add(5.0)
    replica.engine.drain()
    write = replica.line.write

    async def lost(writes: Sequence[Write]) -> list[bool]:
        replica.line.write = write  # type: ignore[method-assign]  # the store is back
        raise StoreUnavailable("no answer")

    replica.line.write = lost  # type: ignore[method-assign]  # a packet that is lost
    await replica.engine.close_down(5.0)
    record = store.record(session.opened.stream.key)
    assert record and record.released
    assert record.step == 1


async def test_however_long_rounds_are_apart_a_server_that_stops_tries_again_soon() -> None:
    replica, clock = Replica(Shared(), interval=60.0), asyncio.get_running_loop().time
    await replica.create()
    replica.line.cut = True
    started = clock()
    await replica.engine.close_down(3.0)
    assert 3.0 <= clock() - started <= 4.0


async def test_a_server_that_stops_gives_up_a_store_that_stays_away() -> None:
    replica = Replica(Shared())
    await replica.create()
    replica.line.cut = True
    async with asyncio.timeout(5.0):
        await replica.engine.close_down(0.01)


class Failing(Stepper):
    """Cannot read states any more, for this reason."""

    reason: Exception | None = None

    def save(self, slots: Array) -> list[tuple[bytes, ...]]:
        if self.reason:
            raise self.reason
        return super().save(slots)


@pytest.mark.parametrize(
    ("reason", "error"),
    [(RuntimeError(ILLEGAL), ServerDraining), (MemoryError("2 GB"), StoreDown)],
    ids=["a lost device", "no memory"],
)
async def test_a_round_that_cannot_read_the_states_does_not_blame_the_store(
    reason: Exception, error: type[ServiceError], caplog: pytest.LogCaptureFixture
) -> None:
    stepper = Failing(accumulate, accumulator_signature())
    lane = Lane(MODEL, "digest", stepper, window=4, max_batch=8)
    store = Shared()
    replica = Replica(store, lane=lane)
    session = await replica.create()
    await session.add(1.0)
    await session.saved()
    stepper.reason = reason
    await session.add(1.0)
    session.detach()
    with pytest.raises(error) as told:
        await replica.engine._custody.flush()
    await replica.engine.settled()
    assert "does not answer" not in str(told.value)
    assert not replica.degraded and replica.store_reading.counts.failures == 0
    assert "the state store is away" not in caplog.text
    stepper.reason = None
    await until(lambda: store.step(session.opened.stream.key) == 2)


async def test_a_server_that_cannot_read_the_states_as_it_stops_leaves_what_was_saved() -> None:
    stepper = Failing(accumulate, accumulator_signature())
    store, lane = Shared(), Lane(MODEL, "digest", stepper, window=4, max_batch=8)
    replica = Replica(store, lane=lane)
    session = await replica.create()
    await session.add(1.0)
    await session.saved()
    stepper.reason = MemoryError("2 GB")
    await replica.engine.close_down(5.0)
    record = store.record(session.opened.stream.key)
    assert record and record.step == 1 and not record.released


class Counting(Stepper):
    """Notes of how many slots the states are read together."""

    def __init__(self) -> None:
        super().__init__(accumulate, accumulator_signature())
        self.saved: list[int] = []

    def save(self, slots: Array) -> list[tuple[bytes, ...]]:
        self.saved.append(len(slots))
        return super().save(slots)


async def test_many_streams_are_given_up_a_slice_at_a_time() -> None:
    store, stepper, number = Shared(), Counting(), 300
    lane = Lane(MODEL, "digest", stepper, window=4, max_batch=8)
    replica = Replica(store, lane=lane, limit=number, interval=600.0)
    names = [f"s{at}" for at in range(number)]
    for name in names:
        await replica.open(request(name))
    written: list[int] = []
    write = replica.line.write

    async def count(writes: Sequence[Write]) -> list[bool]:
        written.append(len(writes))
        return await write(writes)

    replica.line.write = count  # type: ignore[method-assign]  # counts
    await replica.engine.close_down(5.0)
    assert stepper.saved == [LARGEST_WRITE, LARGEST_WRITE, number - 2 * LARGEST_WRITE]
    assert sum(written) == number
    assert max(written) <= LARGEST_WRITE
    records = [store.record(StreamKey("", name)) for name in names]
    assert all(record and record.released for record in records)
