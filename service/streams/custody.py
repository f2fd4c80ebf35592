"""Custody: what becomes of streams beyond the memory of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from service.checkpoint.store import Listed, Record, Store
from service.core.checkpoint import Checkpoint
from service.core.counts import StoreReading
from service.core.directory import Directory, Stored
from service.core.errors import ServiceError, StoreDown
from service.core.streams import UNFENCED, Fence, OpenRequest, Stream, StreamKey
from service.lanes.lanes import Lanes
from service.streams.keeper import Keeper
from service.streams.ownership import Ownership


class Custody:
    """Nothing: the streams live as long as this process."""

    durable = False

    def start(self) -> None:
        """Begins to save streams."""

    async def find(self, key: StreamKey) -> Record | None:
        """A stream that this process does not have; ended ones too."""
        return None

    async def begin(
        self, request: OpenRequest, first: Checkpoint, known: Stream | None, record: Record | None
    ) -> Fence:
        """Makes a new stream this process's, in the place of one that is `known` here, or
        that the store has as `record`. Returns the fence to save it under.
        """
        return UNFENCED

    async def acquire(self, key: StreamKey, record: Record, *, complete: bool = False) -> Record:
        """Makes a stored stream this process's. `complete`: only where no timestep of it can be
        missing; raises StreamNotFound otherwise.
        """
        return record

    async def rewrite(self, key: StreamKey, taken: Record, after: Checkpoint | None) -> None:
        """Puts another state of an acquired stream into the store, or its end, in a new epoch
        and for anyone to take.
        """

    async def list(self, namespace: str, after: str, limit: int) -> list[Listed]:
        """Stored streams of a namespace, by their ids, behind the id `after`."""
        return []

    def give_back(self, key: StreamKey, record: Record) -> None:
        """Lets go of an acquired stream that cannot be served after all."""

    def forget(self, request: OpenRequest, fence: Fence) -> None:
        """Lets go of a new stream that cannot be served after all."""

    async def renew(self, stream: Stream, checkpoint: Checkpoint) -> Fence:
        """Saves a stream of this process as `checkpoint`, in a new epoch, whose fence it returns.

        Raises StoreDown where that may not have happened.
        """
        return stream.fence

    def hurry(self, stream: Stream) -> None:
        """Saves the stream at once."""

    def end(self, stream: Stream) -> None:
        """The stream is over."""

    def release(self, stream: Stream) -> bool:
        """Saves the stream for anyone to take, so that this process may drop it; False if it
        must stay.
        """
        return False

    def leave(self, streams: Sequence[Stream]) -> None:
        """Saves the streams for anyone to take, as soon as the store answers. Raises ServerDraining
        if the device is lost.
        """

    def abandon(self) -> None:
        """Streams were dropped as they were last saved, without their last steps."""

    async def flush(self) -> None:
        """Waits until all that was ended, released, left or hurried is in the store."""

    async def close(self, patience: float) -> None:
        """Saves what is to be saved, for at most `patience` seconds; nothing is called after it.

        Raises StoreDown if that was not enough.
        """

    @property
    def degraded(self) -> bool:
        """Whether the store is away."""
        return False

    def reading(self) -> StoreReading | None:
        return None


class StoreCustody(Custody):
    """The streams are saved in a store, which many processes may share.

    The coroutines raise StoreDown where the store does not answer.
    """

    durable = True

    def __init__(
        self,
        store: Store,
        lanes: Lanes,
        directory: Directory,
        *,
        checkpoint_interval: float,
        takeover_wait: float,
        clock: Callable[[], float],
        lose: Callable[[Stream, ServiceError], None],
    ) -> None:
        """`checkpoint_interval`: seconds from one round of saving to the next.
        `takeover_wait`: seconds that another process has to release a stream opened here.
        `lose` is told of a stream that another process has.
        """
        idle_limit = directory.idle_limit
        self._store = store
        self._clock = clock
        self._keeper = Keeper(
            store,
            lanes,
            interval=checkpoint_interval,
            idle_limit=idle_limit,
            clock=clock,
            lose=lose,
            find=directory.find,
        )
        self._ownership = Ownership(
            store, self._keeper.owner, takeover_wait=takeover_wait, idle_limit=idle_limit
        )
        self._rounds: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._rounds = asyncio.create_task(self._keeper.run())

    async def find(self, key: StreamKey) -> Record | None:
        if self._keeper.is_parting_from(key):
            await self._keeper.flush()
        return await self._ownership.read(key)

    async def begin(
        self, request: OpenRequest, first: Checkpoint, known: Stream | None, record: Record | None
    ) -> Fence:
        former = known.fence if known else None
        if record and record.checkpoint:
            former = (await self._ownership.acquire(request.key, record)).fence
        return await self._ownership.begin(request.key, request.token_hash, first, former)

    async def acquire(self, key: StreamKey, record: Record, *, complete: bool = False) -> Record:
        return await self._ownership.acquire(key, record, complete=complete)

    async def rewrite(self, key: StreamKey, taken: Record, after: Checkpoint | None) -> None:
        await self._ownership.rewrite(key, taken, after)

    async def list(self, namespace: str, after: str, limit: int) -> list[Listed]:
        if self._keeper.parting:
            await self._keeper.flush()
        return await self._ownership.list(namespace, after, limit)

    def give_back(self, key: StreamKey, record: Record) -> None:
        self._keeper.give_back(key, record)

    def forget(self, request: OpenRequest, fence: Fence) -> None:
        self._keeper.part(request.key, Record(fence, request.token_hash, None))

    async def renew(self, stream: Stream, checkpoint: Checkpoint) -> Fence:
        return await self._ownership.renew(
            stream.key, Record(stream.fence, stream.token_hash, checkpoint)
        )

    def hurry(self, stream: Stream) -> None:
        self._keeper.hurry(stream)

    def end(self, stream: Stream) -> None:
        self._keeper.end(stream)

    def release(self, stream: Stream) -> bool:
        if self._keeper.degraded:
            return False
        self._keeper.release([stream])
        return True

    def leave(self, streams: Sequence[Stream]) -> None:
        self._keeper.release(streams)

    def abandon(self) -> None:
        self._keeper.abandon()

    async def flush(self) -> None:
        await self._keeper.flush()

    async def close(self, patience: float) -> None:
        deadline = self._clock() + patience
        try:
            await self._flush_until(deadline)
        finally:
            if self._rounds:
                self._rounds.cancel()
            await self._store.close()

    async def _flush_until(self, deadline: float) -> None:
        while True:
            try:
                return await self._keeper.flush()
            except StoreDown:
                if self._clock() >= deadline:
                    raise

    @property
    def degraded(self) -> bool:
        return self._keeper.degraded

    def reading(self) -> StoreReading:
        return self._keeper.reading


def stored(key: StreamKey, record: Record | None) -> Stored | None:
    """The stream that a record tells of, as an open is judged by it; None if it has ended."""
    if record is None or record.checkpoint is None:
        return None
    checkpoint = record.checkpoint
    return Stored(key.id, record.token_hash, checkpoint.model, checkpoint.holder)
