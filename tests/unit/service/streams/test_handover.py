"""Living streams move to a newer version, with a store and without one."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

import pytest

from service.checkpoint.store import StoreUnavailable, Write
from service.core.directory import Directory
from service.core.errors import StoreDown, StreamMoved
from service.core.steps import Output
from service.core.streams import Fence, Mode, ModelKey, StreamKey
from service.engine import Engine
from service.lanes.lanes import Lanes
from tests.fakes import MODEL, Connection, accumulator_lane, request
from tests.replicas import INTERVAL, Replica, Session, Shared, until

NEWER = ModelKey(MODEL.name, 2)
KEY = StreamKey("", "robot")


def replica(store: Shared, *, interval: float = INTERVAL, takeover_wait: float = 1.0) -> Replica:
    """Serves two versions; new streams would take the newer one."""
    made = Replica(store, interval=interval, takeover_wait=takeover_wait)
    made.lanes.put(accumulator_lane(model=NEWER))
    return made


async def begun(made: Replica) -> Session:
    """A stream on the older version that has added up 1, 2 and 3."""
    session = await made.open(request(version=MODEL.version))
    for x in (1.0, 2.0, 3.0):
        await session.add(x)
    return session


async def begun_in_sync(made: Replica) -> Session:
    asked = dataclasses.replace(request(version=MODEL.version), sync=True)
    return await made.open(asked)


async def move(made: Replica, session: Session) -> bool:
    return await made.engine.handover.move(session.opened.stream, made.lanes[NEWER])


async def reconnect(made: Replica, next_step: int | None = None) -> Session:
    """`next_step`: what the client sends next; None: what the stream expects."""
    session = await made.open(request(mode=Mode.RECONNECT))
    session.number = session.number if next_step is None else next_step
    return session


async def test_a_stream_goes_on_at_the_newer_version_and_its_connection_is_told() -> None:
    made = replica(Shared())
    session = await begun(made)
    assert await move(made, session)
    assert isinstance(session.connection.ended, StreamMoved)
    again = await reconnect(made)
    assert (again.opened.stream.model, again.opened.next_step) == (NEWER, 3)
    assert again.opened.stream.exact
    assert await again.add(4.0) == 10.0
    assert [lane.slots.held for lane in made.engine.lanes()] == [0, 1]


async def test_kept_outputs_move_too() -> None:
    made = replica(Shared())
    await move(made, await begun(made))
    again = await reconnect(made, 1)
    assert [await again.add(2.0), await again.add(3.0), await again.add(4.0)] == [3.0, 6.0, 10.0]
    replayed = again.connection.answers[0]
    assert isinstance(replayed, Output) and replayed.batch_size == 0


async def test_the_move_is_in_the_store_in_a_new_epoch_before_it_happens() -> None:
    store = Shared()
    made = replica(store)
    session = await begun(made)
    before = session.opened.stream.fence
    await move(made, session)
    record = store.record(KEY)
    assert record and record.checkpoint
    assert record.fence == session.opened.stream.fence > before
    assert (record.checkpoint.model, record.step) == (NEWER, 3)
    other = replica(store, takeover_wait=0.0)
    resumed = await other.resume()
    assert (resumed.opened.stream.model, resumed.opened.next_step) == (NEWER, 3)
    assert await resumed.add(4.0) == 10.0


async def test_a_detached_stream_moves() -> None:
    made = replica(Shared())
    session = await begun(made)
    session.detach()
    assert await move(made, session)
    assert session.connection.ended is None
    assert await (await reconnect(made)).add(4.0) == 10.0


async def test_a_stream_moves_where_nothing_is_stored() -> None:
    lanes = Lanes({key: accumulator_lane(model=key) for key in (MODEL, NEWER)}, {})
    made, connection = Engine(lanes, Directory(limit=4, idle_limit=600.0)), Connection()
    opened = await made.open(request(version=MODEL.version), connection)
    assert await made.handover.move(opened.stream, lanes[NEWER])
    assert isinstance(connection.ended, StreamMoved)
    again = await made.open(request(mode=Mode.RECONNECT), Connection())
    assert (again.stream.model, again.durable) == (NEWER, False)


async def test_a_stream_that_has_gone_does_not_move() -> None:
    made = replica(Shared())
    session = await begun(made)
    session.close()
    assert not await move(made, session)


async def test_while_the_store_is_known_to_be_away_no_connection_is_ended() -> None:
    made = replica(Shared())
    session = await begun(made)
    made.line.cut = True
    await session.add(4.0)
    await until(lambda: made.store_reading.counts.failures)
    with pytest.raises(StoreDown):
        await move(made, session)
    assert session.connection.ended is None
    assert await session.add(5.0) == 15.0


@pytest.mark.parametrize("happened", [False, True])
async def test_a_move_that_the_store_did_not_answer_loses_nothing(happened: bool) -> None:
    """`happened`: the store had begun the new epoch, and its answer was lost."""
    store = Shared()
    made = replica(store)
    session = await begun(made)
    await session.saved()
    replace = store.replace

    async def lost(write: Write, seen: Fence) -> bool:
        if happened:
            await replace(write, seen)
        raise StoreUnavailable("no answer")

    store.replace = lost  # type: ignore[method-assign]  # an answer that is lost
    with pytest.raises(StoreDown):
        await move(made, session)
    store.replace = replace  # type: ignore[method-assign]  # the store is back
    assert isinstance(session.connection.ended, StreamMoved)
    again = await reconnect(made)
    there = NEWER if happened else MODEL  # as the store has it
    assert (again.opened.stream.model, again.opened.next_step) == (there, 3)
    assert await again.add(4.0) == 10.0
    await again.saved()
    assert await move(made, again)
    assert await (await reconnect(made)).add(5.0) == 15.0


async def test_a_round_that_saves_meanwhile_does_not_lose_the_stream() -> None:
    """The round's write arrives after the new epoch has begun, and is refused."""
    store = Shared()
    made = replica(store, interval=60.0)
    session = await begun(made)
    arrived, go_on = asyncio.Event(), asyncio.Event()
    write, replace = store.write, store.replace

    async def late(writes: Sequence[Write]) -> list[bool]:
        arrived.set()
        await go_on.wait()
        return await write(writes)

    async def meanwhile(moved: Write, seen: Fence) -> bool:
        replaced = await replace(moved, seen)
        go_on.set()
        await until(lambda: made.store_reading.counts.refused)
        return replaced

    store.write = late  # type: ignore[method-assign]  # one that takes its time
    store.replace = meanwhile  # type: ignore[method-assign, assignment]
    session.detach()
    await arrived.wait()
    assert await move(made, session)
    again = await reconnect(made)
    assert again.opened.stream is session.opened.stream
    assert await again.add(4.0) == 10.0


async def test_a_sync_stream_is_given_what_it_was_owed_once_it_has_moved() -> None:
    store = Shared()
    made = replica(store)
    session, write = await begun_in_sync(made), store.write

    async def never(writes: Sequence[Write]) -> list[bool]:
        await asyncio.Event().wait()
        raise AssertionError

    store.write = never  # type: ignore[method-assign]  # a round that never ends
    session.send(1.0)
    await until(lambda: made.lanes[MODEL].next_step(session.opened.stream) == 1)
    store.write = write  # type: ignore[method-assign]  # for those who come later
    await move(made, session)
    assert session.totals == []
    assert await (await reconnect(made, 0)).add(1.0) == 1.0


async def test_a_stream_that_waits_in_its_old_lane_steps_on_the_new_one_and_touches_nobody() -> (
    None
):
    """The slots of both lanes have the same numbers, of different streams."""
    made = Replica(Shared(), limit=16, lane=accumulator_lane(max_batch=1))
    made.lanes.put(accumulator_lane(model=NEWER, max_batch=1))
    others = [await made.open(request(f"s{at}", version=MODEL.version)) for at in range(8)]
    session = await begun(made)
    for other in others:
        for _ in range(4):
            other.send(100.0)
    session.send(4.0)
    assert await move(made, session)
    again = await reconnect(made)
    assert not others[-1].totals, "the old lane has nothing left to mistake it for"
    assert await again.add(4.0) == 10.0
    await until(lambda: all(len(other.connection.answers) == 4 for other in others))
    assert [other.totals for other in others] == [[100.0, 200.0, 300.0, 400.0]] * 8


async def unsettled(made: Replica) -> Session:
    """A stream whose move happened in the store, which is away before this is known here."""
    session, replace = await begun(made), made.line.replace
    await session.saved()

    async def lost(write: Write, seen: Fence) -> bool:
        await replace(write, seen)
        made.line.cut = True
        raise StoreUnavailable("no answer")

    made.line.replace = lost  # type: ignore[method-assign]  # an answer that is lost
    with pytest.raises(StoreDown):
        await move(made, session)
    made.line.replace = replace  # type: ignore[method-assign]  # cut off from now on
    return session


async def test_a_stream_closed_after_an_unsettled_move_is_over() -> None:
    store = Shared()
    made = replica(store)
    await unsettled(made)
    (await reconnect(made)).close()
    made.line.cut = False
    await until(lambda: (record := store.record(KEY)) and record.checkpoint is None)


async def test_a_stream_left_after_an_unsettled_move_is_for_anyone_to_take() -> None:
    store = Shared()
    made = replica(store)
    await unsettled(made)
    made.line.cut = False
    await made.engine.close_down(1.0)
    record = store.record(KEY)
    assert record and record.released
    assert await (await replica(store).resume()).add(4.0) == 10.0
