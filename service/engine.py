"""The engine: where asyncio meets the core.

No timer forms a batch: the steps that arrive in one turn of the event loop run together.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from service.capacity import Capacity
from service.checkpoint.store import Record, Store
from service.core.counts import LaneReading, OpenCounts, Readings
from service.core.directory import Directory, Opening
from service.core.errors import (
    InvalidRequest,
    ServerDraining,
    ServiceError,
    StreamMoved,
    StreamTakenOver,
)
from service.core.lifecycle import Effect
from service.core.steps import Step
from service.core.streams import OpenRequest, Owner, Stream
from service.core.sync import SyncOwner
from service.custody import Custody, StoreCustody, stored
from service.handover import Handover
from service.lane import Lane
from service.lanes import Lanes
from service.locks import KeyedLocks
from service.outside import Outside
from service.states import States

log = logging.getLogger(__name__)


class Opened(NamedTuple):
    stream: Stream
    lane: Lane
    owner: Owner
    """Who has the stream: `submit`, `close` and `detach` are for it."""
    token: bytes
    next_step: int
    durable: bool
    """Whether the stream outlives this process."""
    durable_step: int
    idle_limit: float
    """Seconds that it is kept while detached."""


class Engine:
    """One per process; every method is called on its event loop."""

    def __init__(
        self,
        lanes: Lanes,
        directory: Directory,
        *,
        store: Store | None = None,
        checkpoint_interval: float = 0.1,
        takeover_wait: float = 1.0,
        max_utilization: float = 0.8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`store`: where streams are saved; None: they live as long as this process. The two
        durations, in seconds, are those of `StoreCustody`. `max_utilization`: the share of a
        processor that streams may declare together.
        """
        self._lanes = lanes
        self._directory = directory
        self._clock = clock
        self._custody = Custody()
        if store:
            self._custody = StoreCustody(
                store,
                lanes,
                directory,
                checkpoint_interval=checkpoint_interval,
                takeover_wait=takeover_wait,
                clock=clock,
                lose=self._lose,
            )
        self._capacity = Capacity(lanes, max_utilization)
        self._counts = OpenCounts()
        self._opening = KeyedLocks()
        outside = Outside(
            lanes,
            directory,
            self._custody,
            self._opening,
            clock=clock,
            admit=self._refuse_while_draining,
            lose=self._lose,
            placed=self._arm_expiry,
        )
        self.states = States(lanes, directory, self._custody, outside)
        self.handover = Handover(
            lanes,
            directory,
            self._custody,
            self._opening,
            clock=clock,
            detached=self._on_detached,
        )
        self._scheduled: set[Lane] = set()
        self._expiry: asyncio.TimerHandle | None = None
        self._draining = False
        self._none_attached = asyncio.Event()

    @property
    def now(self) -> float:
        """Seconds, on the clock that steps are timed by."""
        return self._clock()

    def lanes(self) -> list[Lane]:
        return list(self._lanes)

    def readings(self) -> Readings:
        """What its metrics are made of."""
        attached = self._directory.attached
        return Readings(
            attached=attached,
            detached=len(self._directory) - attached,
            opens=self._counts,
            lanes=tuple(
                LaneReading(each.model, each.slots.held, each.counts) for each in self._lanes
            ),
            store=self._custody.reading(),
        )

    def start(self) -> None:
        """Begins to save streams."""
        self._custody.start()

    async def open(self, request: OpenRequest, owner: Owner) -> Opened:
        """Attaches a stream to `owner`. Raises a ServiceError; nothing has changed then."""
        try:
            async with self._opening[request.key]:
                opened = await self._open(request, owner)
        except ServiceError as error:
            self._counts.refused[error.name] += 1
            raise
        self._counts.opened += 1
        return opened

    async def _open(self, request: OpenRequest, owner: Owner) -> Opened:
        self._refuse_while_draining()
        if request.sync and not self._custody.durable:
            raise InvalidRequest(
                "a sync stream needs a state store that outlives the server, --store sqlite:PATH "
                "or redis://HOST:PORT/DB"
            )
        self._expire()
        known = self._directory.find(request.key)
        record = None if known else await self._custody.find(request.key)
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
            lane = self._lanes.of(known)
            self._capacity.admit(lane, request.rate_hz, known.rate_hz)
            opening = self._directory.open(request, None, owner)
            lane.declare(known, request.rate_hz)
        return self._opened(request, opening, owner)

    async def _start(self, request: OpenRequest, owner: Owner, record: Record | None) -> Opening:
        model = self._lanes.resolve(request)
        lane = self._lanes[model]
        self._capacity.admit(lane, request.rate_hz)
        self._make_room(request)
        known = self._directory.find(request.key)
        fence = await self._custody.begin(request, lane.initial(request.holder), known, record)
        try:
            self._refuse_while_draining()
            lane = self._lanes[model]
            opening = self._directory.open(request, model, owner, stored(request.key, record))
        except ServiceError:
            self._custody.forget(request, fence)
            raise
        if opening.dropped:
            self._lanes.free(opening.dropped)
        lane.start(opening.stream, self._clock())
        opening.stream.fence = fence
        return opening

    async def _restore(self, request: OpenRequest, owner: Owner, record: Record) -> Opening:
        assert record.checkpoint is not None
        lane = self._lanes[record.checkpoint.model]
        self._capacity.admit(lane, request.rate_hz)
        self._make_room(request)
        record = await self._custody.acquire(request.key, record)
        assert record.checkpoint is not None
        try:
            self._refuse_while_draining()
            lane = self._lanes[record.checkpoint.model]
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

    def _opened(self, request: OpenRequest, opening: Opening, owner: Owner) -> Opened:
        stream, displaced = opening.stream, opening.displaced
        if displaced:
            displaced.end(
                StreamTakenOver(f"stream {stream.id!r} now belongs to another connection")
            )
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
        )

    def _make_room(self, request: OpenRequest) -> None:
        """Where this process is full, leaves the stream that is detached longest to the store.

        Raises TooManyStreams.
        """
        if not self._directory.has_room(request.key):
            stream = self._directory.longest_detached()
            if stream and self._custody.release(stream):
                self._drop(stream)
                self._counts.spilled += 1
        self._directory.check_room(request.key)

    def _drop(self, stream: Stream) -> Owner | None:
        """Ends the stream here; returns who had it."""
        owner = self._directory.remove(stream)
        self._lanes.free(stream)
        return owner

    def _lose(self, stream: Stream, error: ServiceError) -> None:
        if self.handover.is_moving(stream):
            return  # another process has it only if the move fails, and the next save finds out
        if stream.unsettled and isinstance(error, StreamTakenOver):
            error = StreamMoved(f"stream {stream.id!r} goes on as the state store has it")
        owner = self._drop(stream)
        if owner:
            owner.end(error)
        log.info("stream %s left this server: %s", stream.key, error)
        self._tell_if_none_attached()

    def _save(self, request: OpenRequest) -> None:
        stream = self._directory.find(request.key)
        if stream:
            self._custody.hurry(stream)

    def submit(self, stream: Stream, step: Step) -> None:
        """Accepts a step of the stream's present owner, who gets the answer in a later turn."""
        lane = self._lanes.of(stream)
        lane.submit(stream, step)
        self._schedule(lane)

    def _schedule(self, lane: Lane) -> None:
        if lane not in self._scheduled:
            self._scheduled.add(lane)
            asyncio.get_running_loop().call_soon(self._turn, lane)

    def _turn(self, lane: Lane) -> None:
        self._scheduled.discard(lane)
        for owner, answer in lane.turn(self._clock):
            owner.answer(answer)
        if lane.waiting:
            self._schedule(lane)

    def close(self, stream: Stream, owner: Owner) -> None:
        """Ends the stream, if it is still the owner's."""
        if self._directory.close(stream, owner):
            self._finish(stream)
            self._tell_if_none_attached()

    def _finish(self, stream: Stream) -> None:
        self._custody.end(stream)
        self._lanes.free(stream)

    def detach(self, stream: Stream, owner: Owner) -> None:
        """Keeps the stream for the idle limit, if it is still the owner's."""
        if self._directory.detach(stream, owner, self._clock()):
            self._custody.hurry(stream)
            self._on_detached()

    def _on_detached(self) -> None:
        self._arm_expiry()
        self._tell_if_none_attached()

    def _expire(self) -> None:
        for stream in self._directory.expire(self._clock()):
            self._finish(stream)
            log.info("stream %s expired", stream.key)

    def _arm_expiry(self) -> None:
        expiry = self._directory.next_expiry()
        if self._expiry is None and expiry is not None:
            delay = max(0.0, expiry - self._clock())
            self._expiry = asyncio.get_running_loop().call_later(delay, self._on_expiry)

    def _on_expiry(self) -> None:
        self._expiry = None
        self._expire()
        self._arm_expiry()

    def _refuse_while_draining(self) -> None:
        if self._draining:
            raise ServerDraining("this server is stopping: open the stream again in a moment")

    def drain(self) -> None:
        """Refuses opens and asks every connection to go."""
        self._draining = True
        error = ServerDraining("this server is stopping: resume the stream in a moment")
        for owner in self._directory.owners():
            owner.leave(error)
        self._tell_if_none_attached()

    async def drained(self) -> None:
        """Waits until every connection has gone."""
        await self._none_attached.wait()

    async def close_down(self) -> None:
        """Leaves every stream to the store, if there is one; nothing is called after it."""
        for stream in self._directory.streams():
            if self._custody.release(stream):
                self._drop(stream)
        await self._custody.close()

    def _tell_if_none_attached(self) -> None:
        if self._draining and not self._directory.attached:
            self._none_attached.set()
