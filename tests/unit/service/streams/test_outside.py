"""Changes of streams that are saved in a store, and may live in another process."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence

import pytest

from service.checkpoint.store import Record, StoreUnavailable, Write
from service.core.errors import (
    ModelNotFound,
    StateUnusable,
    StoreDown,
    StreamChanged,
    StreamNotFound,
    StreamTakenOver,
)
from service.core.lifecycle import State
from service.core.streams import Fence, Mode, ModelKey, StreamKey
from service.streams.outside import Named
from service.streams.states import States
from tests.fakes import Connection, request
from tests.outside import named, total, total_of
from tests.replicas import Replica, Shared, until

OTHER = bytes(16)
KEY = StreamKey("", "robot")
CHANGES: dict[str, Callable[[States, Named], Awaitable[object]]] = {
    "put": lambda states, which: states.put(which, total(1.0)),
    "reset": lambda states, which: states.reset(which),
    "delete": lambda states, which: states.delete(which),
    "fork": lambda states, which: states.fork(which, request("copy", token=OTHER)),
}
IN_PLACE = {name: change for name, change in CHANGES.items() if name != "fork"}

by_any = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
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


@by_any
async def test_nothing_changes_while_the_store_is_away(
    change: Callable[[States, Named], Awaitable[object]],
) -> None:
    replica = Replica(Shared())
    session = await replica.create()
    await session.add(5.0)
    replica.line.cut = True
    for _ in range(2):
        with pytest.raises(StoreDown):
            await change(replica.engine.states, named())
        await until(lambda: replica.engine.readings().store.degraded_for)  # type: ignore[union-attr]  # there is a store
    assert session.connection.ended is None
    assert await session.add(2.0) == 7.0
    assert total_of(await replica.engine.states.get(named())) == 7.0
    replica.line.cut = False
    await session.saved()
    await change(replica.engine.states, named())


async def test_a_stream_of_another_server_is_seen_as_it_was_saved() -> None:
    store = Shared()
    owner, asked = Replica(store), Replica(store)
    session = await owner.create()
    await session.add(5.0)
    await session.saved()
    owner.line.cut = True
    await session.add(2.0)
    seen = await asked.engine.states.get(named())
    assert (total_of(seen), seen.next_step, seen.durable_step) == (5.0, 1, 1)
    owner.line.cut = False
    await session.saved()
    assert session.connection.ended is None
    assert total_of(await asked.engine.states.get(named())) == 7.0


async def test_a_fork_of_another_servers_stream_leaves_it_alone() -> None:
    store = Shared()
    owner, asked = Replica(store), Replica(store)
    session = await owner.create()
    await session.add(5.0)
    await session.saved()
    await asked.engine.states.fork(named(), request("copy", token=OTHER))
    assert await session.add(2.0) == 7.0
    assert session.connection.ended is None
    for replica in (owner, asked):
        forked = await replica.open(request("copy", Mode.RESUME, OTHER))
        assert forked.opened.next_step == 1
    assert await forked.add(1.0) == 6.0


@in_place
async def test_a_stream_of_another_server_is_taken_and_changed(
    change: Callable[[States, Named], Awaitable[object]],
) -> None:
    store = Shared()
    owner, asked = Replica(store), Replica(store, takeover_wait=60.0)
    session = await owner.create()
    for _ in range(3):
        await session.add(5.0)
    await change(asked.engine.states, named())
    assert isinstance(session.connection.ended, StreamTakenOver)
    record = store.record(KEY)
    assert record and asked.lane.slots.held == owner.lane.slots.held == 0
    if change is CHANGES["delete"]:
        assert record.checkpoint is None
        return
    assert record.released, "whoever opens it next need not wait"
    resumed = await owner.resume()
    reset = change is CHANGES["reset"]
    assert resumed.opened.next_step == (0 if reset else 3)
    assert await resumed.add(1.0) == (1.0 if reset else 2.0)


async def test_steps_that_an_owner_has_not_saved_are_counted_by_a_put() -> None:
    store = Shared()
    owner, asked = Replica(store), Replica(store, takeover_wait=60.0)
    session = await owner.create()
    session.send(5.0)
    session.send(5.0)
    assert await asked.engine.states.put(named(), total(0.0)) == 2


async def test_a_server_that_lost_a_stream_unawares_changes_what_became_of_it() -> None:
    store = Shared()
    unaware, taker = Replica(store), Replica(store, takeover_wait=0.0)
    old = await unaware.create()
    await old.add(5.0)
    await old.saved()
    new = await taker.resume()
    for _ in range(7):
        new.send(1.0)
    await until(lambda: len(new.totals) == 7)
    assert old.connection.ended is None
    assert await unaware.engine.states.put(named(), total(0.0)) == 8
    assert isinstance(old.connection.ended, StreamChanged)
    assert isinstance(new.connection.ended, StreamTakenOver)
    assert (await taker.resume()).opened.next_step == 8


@pytest.mark.parametrize("change", ["put", "reset"])
async def test_an_epoch_shuts_out_who_had_the_stream(change: str) -> None:
    store = Shared()
    cut_off, asked = Replica(store), Replica(store, takeover_wait=0.0)
    session = await cut_off.create()
    await session.saved()
    cut_off.line.cut = True
    for _ in range(9):
        await session.add(5.0)
    await CHANGES[change](asked.engine.states, named())
    changed = store.record(KEY)
    cut_off.line.cut = False
    await until(lambda: session.connection.ended)
    assert isinstance(session.connection.ended, StreamTakenOver)
    assert store.record(KEY) == changed


@in_place
async def test_a_store_that_fails_halfway_has_the_stream_as_it_was(
    change: Callable[[States, Named], Awaitable[object]],
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
    assert replica.engine.readings().opens.spilled == 1
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


async def test_what_rests_in_the_store_is_changed_there() -> None:
    store = Shared()
    gone, replica = Replica(store), Replica(store, limit=1)
    session = await gone.create()
    await session.add(5.0)
    await gone.engine.close_down(1.0)
    await replica.create("another")
    states = replica.engine.states
    assert await states.put(named(), total(2.0)) == 1
    await states.fork(named(), request("copy", token=OTHER))
    page = await states.list("", "", 10, lambda model: True)
    assert [(each.id, each.next_step, each.state) for each in page.streams] == [
        ("another", 0, State.ATTACHED),
        ("copy", 1, State.STORED),
        ("robot", 1, State.STORED),
    ]
    assert replica.lane.slots.held == 1


async def test_a_listing_takes_its_pages_from_memory_and_store() -> None:
    store = Shared()
    here, there = Replica(store), Replica(store)
    for count, stream_id in enumerate("fbdace"):
        session = await (here if count % 2 else there).create(stream_id)
        await session.add(1.0)
        await session.saved()
    found, after = [], ""
    while True:
        page = await here.engine.states.list("", after, 2, lambda model: True)
        found += page.streams
        after = page.after
        if not after:
            break
    assert [each.id for each in found] == ["a", "b", "c", "d", "e", "f"]
    assert {each.next_step for each in found} == {1}
    assert {each.id for each in found if each.state is State.STORED} == {"f", "d", "c"}


async def test_a_listing_needs_the_store() -> None:
    replica = Replica(Shared())
    await replica.create()
    replica.line.cut = True
    with pytest.raises(StoreDown, match="cannot be listed"):
        await replica.engine.states.list("", "", 10, lambda model: True)


async def test_a_stream_whose_model_is_gone_can_be_copied_and_deleted() -> None:
    store, gone = Shared(), ModelKey("gone", 1)
    replica = Replica(store)
    session = await replica.create()
    await session.add(5.0)
    session.detach()
    await until(lambda: store.step(KEY) == 1)
    record = store.record(KEY)
    assert record and record.checkpoint
    orphan = dataclasses.replace(
        record, checkpoint=dataclasses.replace(record.checkpoint, model=gone), released=True
    )
    await store.write([Write(StreamKey("", "orphan"), orphan, 60.0)])
    which = named("orphan", models=("gone",))
    states = replica.engine.states
    for use in (states.get(which), states.put(which, total(1.0)), states.reset(which)):
        with pytest.raises(ModelNotFound):
            await use
    await states.fork(which, request("copy", token=OTHER))
    await states.delete(which)
    with pytest.raises(StreamNotFound):
        await states.delete(which)


async def test_a_state_of_another_shape_is_not_shown() -> None:
    store = Shared()
    replica = Replica(store)
    await replica.create()
    record = store.record(KEY)
    assert record and record.checkpoint
    odd = dataclasses.replace(
        record, checkpoint=dataclasses.replace(record.checkpoint, states=(b"odd",))
    )
    await store.write([Write(StreamKey("", "odd"), odd, 60.0)])
    with pytest.raises(StateUnusable, match="saved under another accumulator/1"):
        await replica.engine.states.get(named("odd"))


async def test_a_sync_stream_answers_nothing_that_a_put_has_undone() -> None:
    replica = Replica(Shared())
    asked = dataclasses.replace(request(), sync=True)
    session = await replica.open(asked, Connection())
    session.send(5.0)
    await replica.engine.states.put(named(), total(100.0, 0))
    answered = len(session.connection.answers)
    assert await (await replica.resume()).add(1.0) == 101.0
    assert len(session.connection.answers) == answered


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
