"""Changes of streams that are saved in a store, and may live in another process."""

from __future__ import annotations

import dataclasses

import pytest

from service.checkpoint.store import Write
from service.core.errors import (
    ModelNotFound,
    StateUnusable,
    StoreDown,
    StreamChanged,
    StreamNotFound,
    StreamTakenOver,
)
from service.core.lifecycle import State
from service.core.streams import Mode, ModelKey, StreamKey
from tests.fakes import Connection, request
from tests.outside import CHANGES, IN_PLACE, OTHER, Use, named, total, total_of
from tests.replicas import Replica, Shared, until

KEY = StreamKey("", "robot")

by_any = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
in_place = pytest.mark.parametrize("change", IN_PLACE.values(), ids=IN_PLACE)


@by_any
async def test_nothing_changes_while_the_store_is_away(
    change: Use,
) -> None:
    replica = Replica(Shared())
    session = await replica.create()
    await session.add(5.0)
    replica.line.cut = True
    for _ in range(2):
        with pytest.raises(StoreDown):
            await change(replica.engine.states, named())
        await until(lambda: replica.degraded)
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
    change: Use,
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
