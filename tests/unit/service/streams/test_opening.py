"""Opening a stream whose whereabouts may have changed while nobody looked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from service.checkpoint.store import StoreUnavailable, Write
from service.core.errors import ServerDraining, StoreDown, StreamNotFound
from service.core.streams import Fence, Mode, OpenRequest, StreamKey
from tests.fakes import request
from tests.replicas import Replica, Session, Shared, until

KEY = StreamKey("", "robot")
RESTART = request(mode=Mode.RESTART, token=bytes(16))
"""By a client that does not have the stream's token."""
NEVER = 600.0
"""Seconds between rounds: only what is urgent is saved, and claims are not heard."""


async def resting(replica: Replica, name: str = "robot") -> Session:
    """A stream that has added up 1 and 2, saved and detached."""
    session = await replica.open(request(name, holder=b"first"))
    for x in (1.0, 2.0):
        await session.add(x)
    session.detach()
    await replica.engine.settled()
    return session


def held_by(holder: bytes, mode: Mode = Mode.RECONNECT) -> OpenRequest:
    return request(mode=mode, holder=holder)


async def test_who_opened_a_stream_last_has_it_after_a_crash_at_once() -> None:
    store = Shared()
    replica = Replica(store, interval=NEVER)
    await resting(replica)
    await replica.open(held_by(b"second", Mode.RESUME))
    replica.line.cut = True
    again = await Replica(store, takeover_wait=0.0).open(held_by(b"second"))
    assert await again.add(3.0) == 6.0


async def test_who_resumed_a_stored_stream_has_it_after_a_crash_at_once() -> None:
    store = Shared()
    await resting(Replica(store, interval=NEVER))
    replica = Replica(store, interval=NEVER, takeover_wait=0.0)
    await replica.open(held_by(b"second", Mode.RESUME))
    replica.line.cut = True
    again = await Replica(store, takeover_wait=0.0).open(held_by(b"second"))
    assert await again.add(3.0) == 6.0


async def test_an_open_given_up_while_its_holder_is_saved_leaves_the_stream_detached() -> None:
    replica = Replica(Shared(), interval=NEVER)
    await resting(replica)
    writing, write = asyncio.Event(), replica.line.write

    async def slow(writes: Sequence[Write]) -> list[bool]:
        writing.set()
        await asyncio.sleep(NEVER)
        return await write(writes)

    replica.line.write = slow  # type: ignore[method-assign]  # one that takes its time
    opening = asyncio.create_task(replica.open(held_by(b"second", Mode.RESUME)))
    await writing.wait()
    await given_up(opening)
    assert replica.engine.readings().detached == 1


async def test_a_store_that_fails_to_note_the_holder_does_not_refuse_the_open() -> None:
    replica = Replica(Shared(), interval=NEVER)
    await resting(replica)
    replica.line.cut = True
    again = await replica.open(held_by(b"second", Mode.RESUME))
    assert await again.add(3.0) == 6.0


async def test_a_stream_that_another_server_took_unnoticed_is_fetched_from_there() -> None:
    store = Shared()
    unaware = Replica(store, interval=NEVER)
    await resting(unaware)
    taken = await Replica(store, takeover_wait=0.0).open(held_by(b"first"))
    await taken.add(3.0)
    taken.detach()
    assert unaware.engine.readings().detached == 1
    again = await unaware.open(held_by(b"first"))
    assert again.opened.next_step == 3
    assert await again.add(4.0) == 10.0
    again.detach()
    await unaware.engine.settled()
    assert store.step(KEY) == 4


async def test_a_stream_that_was_closed_at_another_server_unnoticed_is_over() -> None:
    store = Shared()
    unaware, other = Replica(store, interval=NEVER), Replica(store, takeover_wait=0.0)
    await resting(unaware)
    (await other.open(held_by(b"first"))).close()
    await other.engine.settled()
    with pytest.raises(StreamNotFound):
        await unaware.open(held_by(b"first"))


@pytest.mark.parametrize("call", ["create", "take"])
async def test_opens_at_once_on_a_full_server_spill_as_many_as_they_need(call: str) -> None:
    """`call`: what each of them waits for, with a new stream or with a stored one."""
    store, names = Shared(), ("a", "b", "c")
    if call == "take":
        former = Replica(store)
        for name in names:
            await resting(former, name)
        await former.engine.close_down(1.0)
    replica = Replica(store, limit=len(names))
    for name in names:
        await resting(replica, f"detached-{name}")
    together(replica, call, len(names))
    mode = Mode.CREATE if call == "create" else Mode.RESUME
    sessions = await asyncio.gather(
        *(replica.open(request(name, mode, holder=b"first")) for name in names)
    )
    assert [session.opened.stream.id for session in sessions] == list(names)
    readings = replica.engine.readings()
    spilled = sum(lane.streams.spilled for lane in readings.lanes)
    assert (readings.attached, readings.detached, spilled) == (3, 0, 3)


def together(replica: Replica, call: str, number: int) -> None:
    """The store answers a call once `number` of them are waiting."""
    answer: Callable[..., Awaitable[object]] = getattr(replica.line, call)
    waiting = []

    async def answer_all(*asked: object) -> object:
        waiting.append(asked)
        await until(lambda: len(waiting) == number)
        return await answer(*asked)

    setattr(replica.line, call, answer_all)


async def test_a_restart_whose_answer_was_lost_can_be_sent_again() -> None:
    replica = Replica(store := Shared(), interval=NEVER)
    session = await resting(replica)
    replace = replica.line.replace

    async def lost(write: Write, seen: Fence) -> bool:
        await replace(write, seen)
        raise StoreUnavailable("no answer")

    replica.line.replace = lost  # type: ignore[method-assign]  # an answer that is lost
    with pytest.raises(StoreDown):
        await replica.open(RESTART)
    replica.line.replace = replace  # type: ignore[method-assign]  # the store is back
    await replica.engine.settled()
    await restarts(replica, store)
    assert session.opened.stream.slot is None


async def test_a_restart_that_was_given_up_can_be_sent_again() -> None:
    replica = Replica(store := Shared(), interval=NEVER)
    session = await resting(replica)
    done, replace = asyncio.Event(), replica.line.replace

    async def slow(write: Write, seen: Fence) -> bool:
        replaced = await replace(write, seen)
        done.set()
        await asyncio.sleep(NEVER)
        return replaced

    replica.line.replace = slow  # type: ignore[method-assign]  # an answer that takes its time
    opening = asyncio.create_task(replica.open(RESTART))
    await done.wait()
    await given_up(opening)
    replica.line.replace = replace  # type: ignore[method-assign]  # the store is well
    await replica.engine.settled()
    await restarts(replica, store)
    assert session.opened.stream.slot is None


async def test_a_restart_sent_again_before_the_loss_is_known_is_to_be_tried_again() -> None:
    replica = Replica(Shared(), interval=NEVER)
    await resting(replica)
    known, replace, write = asyncio.Event(), replica.line.replace, replica.line.write

    async def lost(write: Write, seen: Fence) -> bool:
        await replace(write, seen)
        raise StoreUnavailable("no answer")

    async def slow(writes: Sequence[Write]) -> list[bool]:
        await known.wait()
        return await write(writes)

    replica.line.replace = lost  # type: ignore[method-assign]  # an answer that is lost
    replica.line.write = slow  # type: ignore[method-assign]  # one that takes its time
    with pytest.raises(StoreDown, match="does not answer"):
        await replica.open(RESTART)
    replica.line.replace = replace  # type: ignore[method-assign]  # the store is back
    with pytest.raises(StoreDown, match="has just changed hands"):
        await replica.open(RESTART)
    known.set()


async def test_a_restart_that_a_stopping_server_refuses_halfway_can_be_sent_to_another() -> None:
    store = Shared()
    replica = Replica(store, interval=NEVER)
    session = await replica.create()
    replace = replica.line.replace

    async def meanwhile(write: Write, seen: Fence) -> bool:
        replaced = await replace(write, seen)
        replica.engine.drain()
        return replaced

    replica.line.replace = meanwhile  # type: ignore[method-assign]  # stops while it waits
    with pytest.raises(ServerDraining):
        await replica.open(RESTART)
    await replica.engine.settled()
    assert session.connection.ended
    await restarts(Replica(store, takeover_wait=NEVER), store)


async def restarts(replica: Replica, store: Shared) -> None:
    restarted = await replica.open(RESTART)
    assert restarted.opened.next_step == 0
    assert await restarted.add(1.0) == 1.0
    record = store.record(KEY)
    assert record and record.fence == restarted.opened.stream.fence
    assert record.token_hash == RESTART.token_hash


async def given_up(opening: asyncio.Task[Session]) -> None:
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
