"""Opening: how a connection comes to a stream, new, here already, or in the store."""

from __future__ import annotations

import logging
from collections.abc import Callable
from hmac import compare_digest
from typing import NamedTuple

from service.checkpoint.store import Record
from service.core.counts import OpenCounts
from service.core.directory import Directory, Opening
from service.core.errors import InvalidRequest, ServiceError, StoreDown, StreamTakenOver
from service.core.lifecycle import Effect
from service.core.streams import OpenRequest, Owner, Stream
from service.core.sync import SyncOwner
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.logs import about
from service.streams.capacity import Capacity
from service.streams.custody import Custody, stored
from service.streams.locks import KeyedLocks

log = logging.getLogger(__name__)

_LONGEST_NAME = 160
"""Characters of what may not even be a stream's id."""


class Opened(NamedTuple):
    stream: Stream
    lane: Lane
    owner: Owner
    """Who has the stream: whatever is done with it is done for it."""
    token: bytes
    next_step: int
    durable: bool
    """Whether the stream outlives this process."""
    durable_step: int
    idle_limit: float
    """Seconds that it is kept while detached."""
    former_holder: bytes | None
    """Of a stream that was there; None: it starts."""


class Opener:
    """Attaches streams to owners, one at a time of each key."""

    def __init__(
        self,
        lanes: Lanes,
        directory: Directory,
        custody: Custody,
        capacity: Capacity,
        locks: KeyedLocks,
        *,
        clock: Callable[[], float],
        admit: Callable[[], None],
        lose: Callable[[Stream, ServiceError], None],
        detach: Callable[[Stream, Owner], None],
    ) -> None:
        """`admit` raises a ServiceError where no stream is to be opened any more. `lose` takes a
        stream out of this process and tells its connection; `detach` is told of an owner that
        went while it was waiting.
        """
        self.counts = OpenCounts()
        self._lanes = lanes
        self._directory = directory
        self._custody = custody
        self._capacity = capacity
        self._locks = locks
        self._clock = clock
        self._admit = admit
        self._lose = lose
        self._detach = detach

    async def open(self, request: OpenRequest, owner: Owner) -> Opened:
        """Raises a ServiceError; nothing has changed then, but that a RESTART which came too far
        may have dropped the old state.
        """
        try:
            async with self._locks[request.key]:
                opened = await self._open(request, owner)
        except ServiceError as error:
            self.counts.refused[error.name] += 1
            extra = {"stream": str(request.key)[:_LONGEST_NAME], "error": error.name}
            log.debug("a stream was not opened: %s", error, extra=extra)
            raise
        opened.lane.stream_counts.opened += 1
        log.debug("stream %s is open", request.key, extra=about(opened.stream))
        return opened

    async def _open(self, request: OpenRequest, owner: Owner) -> Opened:
        self._admit()
        if request.sync and not self._custody.durable:
            raise InvalidRequest(
                "a sync stream needs a state store that outlives the server, --store sqlite:PATH "
                "or redis://HOST:PORT/DB"
            )
        known, record = await self._find(request)
        effect = self._directory.judge(request, stored(request.key, record))
        if request.sync:
            owner = SyncOwner(owner, on_waiting=lambda: self._save(request))
        if effect is Effect.START:
            opening = await self._start(request, owner, record)
        elif effect is Effect.RESTORE:
            assert record is not None
            opening = await self._restore(request, owner, record)
        else:
            assert known is not None
            opening = self._rejoin(request, owner, known)
        opened = self._opened(request, opening, owner)
        if opening.former_holder not in (None, request.holder):
            await self._save_holder(opened)
        return opened

    async def _find(self, request: OpenRequest) -> tuple[Stream | None, Record | None]:
        """The stream as this process has it, or else as the store has it.

        The store is asked for a stream that is here too, as this process may have lost it
        unawares; to join it the store may be away. For a stranger it may not: the answer would
        tell that the stream is here.
        """
        known = self._directory.find(request.key)
        joins = known is not None and compare_digest(known.token_hash, request.token_hash)
        if known and (self._custody.degraded if joins else request.starts_anew):
            return known, None
        try:
            record = await self._custody.find(request.key)
        except StoreDown:
            if not joins or not self._directory.find(request.key):
                raise
            record = None
        known = self._directory.find(request.key)
        if known and record and record.fence > known.fence:
            self._lose(known, StreamTakenOver(f"stream {known.id!r} goes on at another server"))
            known = None
        return known, None if known else record

    async def _save_holder(self, opened: Opened) -> None:
        """Has the store know who holds the stream, or after a crash it would turn them away."""
        self._custody.hurry(opened.stream)
        try:
            if not self._custody.degraded:
                await self._custody.flush()
        except StoreDown:
            return
        except BaseException:
            self._detach(opened.stream, opened.owner)
            raise

    async def _start(self, request: OpenRequest, owner: Owner, record: Record | None) -> Opening:
        model = self._lanes.resolve(request)
        lane = self._lanes[model]
        self._capacity.admit(lane, request.rate_hz)
        self._make_room(request)
        known = self._directory.find(request.key)
        try:
            fence = await self._custody.begin(request, lane.initial(request.holder), known, record)
        except BaseException:
            self._look_after(known)
            raise
        try:
            self._admit()
            lane = self._lanes[model]
            self._make_room(request)
            opening = self._directory.open(request, model, owner, stored(request.key, record))
        except ServiceError:
            self._custody.forget(request, fence)
            self._look_after(known)
            raise
        if opening.dropped:
            self._lanes.of(opening.dropped).stream_counts.closed += 1
            self._lanes.free(opening.dropped)
        try:
            lane.start(opening.stream, self._clock())
        except ServiceError:
            self._directory.remove(opening.stream)
            self._custody.forget(request, fence)
            raise
        opening.stream.fence = fence
        return opening

    def _look_after(self, known: Stream | None) -> None:
        """Of a stream that was not replaced after all: whether it still is this process's."""
        if known and known.slot:
            self._lanes.of(known).touch(known)
            self._custody.hurry(known)

    async def _restore(self, request: OpenRequest, owner: Owner, record: Record) -> Opening:
        assert record.checkpoint is not None
        lane = self._lanes[record.checkpoint.model]
        self._capacity.admit(lane, request.rate_hz)
        self._make_room(request)
        record = await self._custody.acquire(request.key, record, complete=request.complete)
        assert record.checkpoint is not None
        try:
            self._admit()
            lane = self._lanes[record.checkpoint.model]
            self._make_room(request)
            opening = self._directory.open(request, None, owner, stored(request.key, record))
            self._fill(opening.stream, lane, record)
        except ServiceError:
            self._custody.give_back(request.key, record)
            raise
        return opening

    def _fill(self, stream: Stream, lane: Lane, record: Record) -> None:
        assert record.checkpoint is not None
        try:
            lane.restore(stream, record.checkpoint, self._clock())
        except ServiceError:
            self._directory.remove(stream)
            raise
        stream.fence = record.fence

    def _rejoin(self, request: OpenRequest, owner: Owner, known: Stream) -> Opening:
        lane = self._lanes.of(known)
        self._capacity.admit(lane, request.rate_hz, known.rate_hz)
        opening = self._directory.open(request, None, owner)
        lane.declare(known, request.rate_hz)
        return opening

    def _opened(self, request: OpenRequest, opening: Opening, owner: Owner) -> Opened:
        stream, displaced = opening.stream, opening.displaced
        if displaced:
            error = StreamTakenOver(f"stream {stream.id!r} now belongs to another connection")
            displaced.end(error)
            if displaced is not owner:
                extra = about(stream, error=error.name)
                log.info("stream %s was taken over by another connection", stream.key, extra=extra)
        lane = self._lanes.of(stream)
        if opening.effect is not Effect.START:
            lane.touch(stream)  # its holder may be another one
        durable = self._custody.durable
        durable_step = lane.durable_step(stream) if durable else 0
        owner.durable(durable_step)
        return Opened(
            stream,
            lane,
            owner,
            request.token,
            lane.next_step(stream),
            durable,
            durable_step,
            self._directory.idle_limit,
            opening.former_holder,
        )

    def _make_room(self, request: OpenRequest) -> None:
        """Where this process is full, leaves the stream that is detached longest to the store.

        Raises TooManyStreams.
        """
        if not self._directory.has_room(request.key):
            stream = self._directory.longest_detached()
            if stream and self._custody.release(stream):
                self._directory.remove(stream)
                self._lanes.of(stream).stream_counts.spilled += 1
                self._lanes.free(stream)
                log.debug("stream %s left memory to make room", stream.key, extra=about(stream))
        self._directory.check_room(request.key)

    def _save(self, request: OpenRequest) -> None:
        stream = self._directory.find(request.key)
        if stream:
            self._custody.hurry(stream)
