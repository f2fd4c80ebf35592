"""Handover: living streams go on at another version that declares the same tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from service.checkpoint.store import Record
from service.core.directory import Directory
from service.core.errors import ServiceError, StoreDown, StreamMoved
from service.core.streams import Stream
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.streams.custody import Custody
from service.streams.locks import KeyedLocks


class Handover:
    def __init__(
        self,
        lanes: Lanes,
        directory: Directory,
        custody: Custody,
        opening: KeyedLocks,
        *,
        clock: Callable[[], float],
        detached: Callable[[], None],
    ) -> None:
        """`opening`: who holds the lock of a stream's key may open the stream. `detached` is
        called when a stream has lost its connection.
        """
        self._lanes = lanes
        self._directory = directory
        self._custody = custody
        self._opening = opening
        self._clock = clock
        self._detached = detached
        self._moving: set[Stream] = set()

    def is_moving(self, stream: Stream) -> bool:
        """Whether the stream is being saved in a new epoch, which shuts out its former one."""
        return stream in self._moving

    async def move(self, stream: Stream, to: Lane) -> bool:
        """Moves a stream with its state and its kept outputs. Its connection ends with
        STREAM_MOVED and opens it again. False if the stream has gone.

        Raises StoreDown: the stream stays where it is; TooManyStreams, or ServerDraining if the
        device is lost: it is left to the store, and stays if there is none. Must not be cancelled.
        """
        async with self._opening[stream.key]:
            if not stream.slot:
                return False
            if self._custody.degraded:
                raise StoreDown("the state store does not answer")
            self._disconnect(stream, StreamMoved(f"stream {stream.id!r} moves to {to.model}"))
            return await self._move(stream, to)

    def _disconnect(self, stream: Stream, error: ServiceError) -> None:
        owner = stream.owner
        if owner and self._directory.detach(stream, owner, self._clock()):
            owner.end(error)
            self._detached()

    async def _move(self, stream: Stream, to: Lane) -> bool:
        """No step runs meanwhile: the stream has no owner, and who opens it waits."""
        (checkpoint,) = self._lanes.checkpoints([stream])
        checkpoint = replace(checkpoint, model=to.model)
        self._moving.add(stream)
        try:
            fence = await self._custody.renew(stream, checkpoint)
        except StoreDown:
            stream.unsettled = True
            raise
        finally:
            self._moving.discard(stream)
        if not stream.slot:  # it expired, or was left to the store
            self._custody.give_back(stream.key, Record(fence, stream.token_hash, checkpoint))
            return False
        self._settle(stream, to, Record(fence, stream.token_hash, checkpoint))
        return True

    def _settle(self, stream: Stream, to: Lane, record: Record) -> None:
        former = self._lanes.of(stream)
        former.free(stream)
        assert record.checkpoint is not None
        try:
            to.restore(stream, record.checkpoint, self._clock())
        except ServiceError:
            self._stay_behind(stream, former, record)
            raise
        finally:
            self._lanes.leave_if_empty(former.model)
        stream.model, stream.fence, stream.unsettled = to.model, record.fence, False

    def _stay_behind(self, stream: Stream, former: Lane, record: Record) -> None:
        """Of a stream that finds no room: it is the store's, or else goes on where it was."""
        if self._custody.durable:
            self._directory.remove(stream)
            self._custody.give_back(stream.key, record)
            return
        assert record.checkpoint is not None
        try:
            former.restore(stream, record.checkpoint, self._clock())
        except ServiceError:
            self._directory.remove(stream)
            raise
