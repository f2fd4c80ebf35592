"""What becomes of streams that another process asks for, wherever they are."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Sequence

import pytest

from service.checkpoint.store import CheckpointUnreadable, Record, StoreUnavailable, Write
from service.core.errors import ServerDraining, StreamNotFound
from service.core.model import Array
from service.core.streams import Fence, Mode, StreamKey, hash_token
from service.lanes.lane import Lane
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.loss import GOES_ON, Loss
from service.runtime.stepper import Stepper
from tests.fakes import MODEL, TOKEN, request
from tests.lossy import ILLEGAL
from tests.replicas import Replica, Session, Shared, until

KEY = StreamKey("", "robot")
ORPHAN = StreamKey("", "orphan")


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


class Unreadable(Stepper):
    """Its device is lost as soon as `is_lost`."""

    is_lost = False

    def save(self, slots: Array) -> list[tuple[bytes, ...]]:
        if self.is_lost:
            raise RuntimeError(ILLEGAL)
        return super().save(slots)


async def ahead_of_the_store(replica: Replica) -> None:
    """A stream whose first step is saved, and whose second one is not.

    The next round is one that answers claims.
    """
    session = await replica.create()
    await session.add(1.0)
    await session.saved()
    replica.line.write = refused  # type: ignore[method-assign]  # one that takes nothing
    await session.add(1.0)
    await until(lambda: (store := replica.engine.readings().store) and store.counts.failures > 1)


async def refused(writes: Sequence[Write]) -> list[bool]:
    raise StoreUnavailable("not these")


async def resumed_complete(replica: Replica) -> Session:
    return await replica.open(dataclasses.replace(request(mode=Mode.RESUME), complete=True))


async def test_a_stream_that_was_abandoned_is_not_said_to_be_complete() -> None:
    store = Shared()
    first, second = Replica(store), Replica(store)
    write = first.line.write
    await ahead_of_the_store(first)
    first.engine.abandon(ServerDraining(GOES_ON))
    first.line.write = write  # type: ignore[method-assign]  # the store takes all again
    with pytest.raises(StreamNotFound, match="was not let go of"):
        await resumed_complete(second)


async def test_nor_is_one_whose_device_is_found_lost_at_the_very_end() -> None:
    store, stepper = Shared(), Unreadable(accumulate, accumulator_signature())
    lane = Lane(MODEL, "digest", stepper, window=4, max_batch=8, loss=Loss())
    first, second = Replica(store, lane=lane), Replica(store)
    write = first.line.write
    await ahead_of_the_store(first)
    stepper.is_lost = True
    first.line.write = write  # type: ignore[method-assign]  # the store takes all again
    await store.claim(KEY, "second")
    await first.engine.close_down(1.0)
    with pytest.raises(StreamNotFound, match="was not let go of"):
        await resumed_complete(second)


async def test_nor_is_one_that_is_abandoned_while_its_claim_is_looked_into() -> None:
    replica = Replica(Shared())
    owner = owner_of(await replica.create())
    asked, go_on, read = asyncio.Event(), asyncio.Event(), replica.line.read

    async def slow(key: StreamKey) -> Record | None:
        asked.set()
        await go_on.wait()
        return await read(key)

    replica.line.read = slow  # type: ignore[method-assign]  # one that takes its time
    written = watched(replica)
    await claimed_orphan(replica, owner)
    await asked.wait()
    replica.engine.abandon(ServerDraining(GOES_ON))
    go_on.set()
    await replica.engine.settled()
    assert not [write for write in written if write.record.released]
