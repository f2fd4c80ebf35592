"""What rounds of saving do when something goes wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from service.checkpoint.store import CheckpointUnreadable, Record, StoreUnavailable, Write
from service.core.streams import Fence, StreamKey, hash_token
from tests.fakes import TOKEN, request
from tests.replicas import Replica, Session, Shared, until
from tests.virtual_time import VirtualLoop

ORPHAN = StreamKey("", "orphan")
LARGEST_WRITE = 128
"""Records."""


async def claimed_orphan(replica: Replica, owner: str) -> None:
    """A stream that the store has as the owner's and that another process asks for.

    The owner took it and never had it, as its client left meanwhile.
    """
    record = Record(Fence(1, owner), hash_token(TOKEN), replica.lane.initial(b""))
    await replica.line.store.create(Write(ORPHAN, record, 600.0))
    await replica.line.store.claim(ORPHAN, "another")


def owner_of(session: Session) -> str:
    return session.opened.stream.fence.owner


async def test_an_unreadable_record_of_its_own_does_not_stop_the_saving_of_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    replica = Replica(Shared())
    session = await replica.create()
    asked = []

    async def damaged(key: StreamKey) -> Record | None:
        asked.append(key)
        raise CheckpointUnreadable("damaged")

    replica.line.read = damaged  # type: ignore[method-assign]  # what it has is no checkpoint
    await claimed_orphan(replica, owner_of(session))
    with caplog.at_level(logging.ERROR):
        await until(lambda: len(asked) == 2)
        await session.add(5.0)
        await session.saved()
    reading = replica.engine.readings().store
    assert reading and reading.counts.failures == 0
    [told] = caplog.messages  # though it is claimed in every round
    assert told == "the stored state of stream orphan cannot be read: damaged"


async def test_a_stream_that_is_opened_while_its_claim_is_looked_into_stays_its_owners() -> None:
    replica = Replica(Shared())
    owner = owner_of(await replica.create())
    asked, go_on, read = asyncio.Event(), asyncio.Event(), replica.line.read

    async def slow(key: StreamKey) -> Record | None:
        replica.line.read = read  # type: ignore[method-assign]  # for those who come later
        asked.set()
        await go_on.wait()
        return await read(key)

    replica.line.read = slow  # type: ignore[method-assign]  # one that takes its time
    await claimed_orphan(replica, owner)
    await asked.wait()
    session = await replica.resume("orphan")
    written = watched(replica)
    go_on.set()
    assert await session.add(5.0) == 5.0
    await session.saved()
    assert not [write for write in written if write.record.released]


def watched(replica: Replica) -> list[Write]:
    """What is written to the store from here on."""
    written: list[Write] = []
    write = replica.line.write

    async def watch(writes: Sequence[Write]) -> list[bool]:
        written.extend(writes)
        return await write(writes)

    replica.line.write = watch  # type: ignore[method-assign]  # the same, and seen
    return written


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


def test_however_long_rounds_are_apart_a_server_that_stops_tries_again_soon() -> None:
    async def seconds() -> float:
        replica, clock = Replica(Shared(), interval=60.0), asyncio.get_running_loop().time
        await replica.create()
        replica.line.cut = True
        started = clock()
        await replica.engine.close_down(3.0)
        return clock() - started

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert 3.0 <= runner.run(seconds()) <= 4.0


async def test_a_server_that_stops_gives_up_a_store_that_stays_away() -> None:
    replica = Replica(Shared())
    await replica.create()
    replica.line.cut = True
    async with asyncio.timeout(5.0):
        await replica.engine.close_down(0.01)


async def test_many_streams_are_given_up_a_slice_at_a_time() -> None:
    store, number = Shared(), 300
    replica = Replica(store, limit=number, interval=600.0)
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
    assert sum(written) == number
    assert max(written) <= LARGEST_WRITE
    records = [store.record(StreamKey("", name)) for name in names]
    assert all(record and record.released for record in records)
