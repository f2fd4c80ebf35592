"""Changes of streams to which something else happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from service.checkpoint.store import Record, StoreUnavailable, Write
from service.core.errors import (
    StoreDown,
    StreamChanged,
    StreamNotFound,
)
from service.core.streams import Fence, Mode, StreamKey
from tests.fakes import request
from tests.outside import IN_PLACE, OTHER, Use, named, total, total_of
from tests.replicas import Replica, Shared, until

KEY = StreamKey("", "robot")

in_place = pytest.mark.parametrize("change", IN_PLACE.values(), ids=IN_PLACE)


class Gated(Shared):
    """Reads of one stream are answered, and writes begin, while their gates are open; writes can
    be made to fail.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reads, self.writes = asyncio.Event(), asyncio.Event()
        self.reads.set()
        self.writes.set()
        self.reading = False
        self.fails: Callable[[Write], bool] = lambda write: False

    def shut_reads(self) -> None:
        self.reads.clear()
        self.reading = False

    async def read(self, key: StreamKey) -> Record | None:
        found = await super().read(key)
        if key == KEY:
            self.reading = True
            await self.reads.wait()
        return found

    async def write(self, writes: Sequence[Write]) -> list[bool]:
        await self.writes.wait()
        if any(map(self.fails, writes)):
            raise StoreUnavailable("not this one")
        return await super().write(writes)

    async def replace(self, write: Write, seen: Fence) -> bool:
        await self.writes.wait()
        if self.fails(write):
            raise StoreUnavailable("not this one")
        return await super().replace(write, seen)


async def turns() -> None:
    """Lets the loop go round until everyone waits."""
    for _ in range(50):
        await asyncio.sleep(0)


@in_place
async def test_a_store_that_fails_halfway_has_the_stream_as_it_was(
    change: Use,
) -> None:
    store = Gated()
    replica = Replica(store)
    session = await replica.create()
    session.send(5.0)
    session.send(5.0)
    await until(lambda: len(session.totals) == 2)
    store.fails = lambda write: write.record.fence.epoch > 2
    with pytest.raises(StoreDown):
        await change(replica.engine.states, named())
    assert isinstance(session.connection.ended, StreamChanged)
    await until(lambda: (record := store.record(KEY)) and record.released)
    resumed = await replica.resume()
    assert await resumed.add(1.0) == 11.0


async def test_a_stream_that_has_another_token_meanwhile_is_another() -> None:
    store = Gated()
    owner, asked = Replica(store), Replica(store, takeover_wait=60.0)
    await owner.create()
    store.shut_reads()
    putting = asyncio.create_task(asked.engine.states.put(named(), total(1.0)))
    await until(lambda: store.reading)
    restarted = await owner.open(request(mode=Mode.RESTART, token=OTHER))
    await restarted.add(5.0)
    store.reads.set()
    with pytest.raises(StreamNotFound):
        await putting
    assert total_of(await asked.engine.states.get(named(token=OTHER))) == 5.0


async def test_a_stream_that_is_closed_meanwhile_stays_closed() -> None:
    store = Gated()
    replica = Replica(store)
    session = await replica.create()
    await session.add(5.0)
    store.shut_reads()
    putting = asyncio.create_task(replica.engine.states.put(named(), total(1.0)))
    await until(lambda: store.reading)
    store.writes.clear()
    session.close()
    store.reads.set()
    await turns()
    store.writes.set()
    with pytest.raises(StreamNotFound):
        await putting
    record = store.record(KEY)
    assert record and record.checkpoint is None


async def test_a_stream_that_leaves_memory_meanwhile_takes_its_steps_along() -> None:
    store = Gated()
    replica = Replica(store, limit=1)
    session = await replica.create()
    await session.saved()
    for _ in range(3):
        session.send(5.0)
    await until(lambda: len(session.totals) == 3)
    session.detach()
    store.shut_reads()
    putting = asyncio.create_task(replica.engine.states.put(named(), total(1.0)))
    await until(lambda: store.reading)
    store.writes.clear()
    opening = asyncio.create_task(replica.create("another"))
    await turns()
    assert sum(lane.streams.spilled for lane in replica.engine.readings().lanes) == 1
    store.reads.set()
    await turns()
    store.writes.set()
    assert await putting == 3
    await opening


async def test_changes_and_opens_of_a_stream_follow_each_other() -> None:
    store = Gated()
    replica = Replica(store)
    session = await replica.create()
    await session.add(5.0)
    store.shut_reads()
    putting = asyncio.create_task(replica.engine.states.put(named(), total(100.0, 40)))
    opening = asyncio.create_task(replica.resume())
    await until(lambda: store.reading)
    assert not opening.done()
    store.reads.set()
    await putting
    assert (await opening).opened.next_step == 40


async def test_who_has_a_stream_since_it_was_asked_for_is_asked_too() -> None:
    """It lives, and its steps are not to be lost as those of one that does not answer."""
    store = Shared()
    first, second = Replica(store), Replica(store, takeover_wait=60.0)
    await first.create()
    _, session, next_step = await asyncio.gather(
        first.engine.states.put(named(), total(100.0, 0)),
        first.resume(),
        second.engine.states.put(named(), total(0.0)),
    )
    assert next_step == 0
    await until(lambda: session.connection.ended)
    assert "goes on at another server" in str(session.connection.ended)
