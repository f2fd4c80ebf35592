"""The engine: where asyncio meets the core."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from service.checkpoint.store import Store
from service.core.blocks import Block
from service.core.counts import LaneReading, Readings
from service.core.directory import Directory
from service.core.errors import (
    ServerDraining,
    ServiceError,
    StoreDown,
    StreamMoved,
    StreamTakenOver,
)
from service.core.steps import Step
from service.core.streams import OpenRequest, Owner, Stream
from service.lanes.aside import Aside
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.lanes.turns import Turns
from service.logs import about
from service.streams.capacity import Capacity
from service.streams.custody import Custody, StoreCustody
from service.streams.handover import Handover
from service.streams.locks import KeyedLocks
from service.streams.opening import Opened, Opener
from service.streams.outside import Outside
from service.streams.states import States

log = logging.getLogger(__name__)


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
        aside: Aside | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`store`: where streams are saved; None: they live as long as this process. The two
        durations, in seconds, are those of `StoreCustody`. `max_utilization`: the share of a
        processor that streams may declare together. `aside`: where long runs go.
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
        opening = KeyedLocks()
        self._opener = Opener(
            lanes,
            directory,
            self._custody,
            Capacity(lanes, max_utilization),
            opening,
            clock=clock,
            admit=self._refuse_while_draining,
            lose=self._lose,
            detach=self.detach,
        )
        self.counts = self._opener.counts
        outside = Outside(
            lanes,
            directory,
            self._custody,
            opening,
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
            opening,
            clock=clock,
            detached=self._on_detached,
        )
        self._turns = Turns(aside or Aside(), clock)
        self._expiry: asyncio.TimerHandle | None = None
        self._draining = False
        self._none_attached = asyncio.Event()

    @property
    def now(self) -> float:
        """Seconds, on the clock that steps are timed by."""
        return self._clock()

    def lanes(self) -> list[Lane]:
        return list(self._lanes)

    def named(self, name: str, version: int | None) -> Lane:
        """A version that takes new streams; `version` None: the newest. Raises ModelNotFound."""
        return self._lanes.named(name, version)

    def readings(self) -> Readings:
        """What its metrics are made of."""
        lanes = self._lanes.readings(self._directory.detached_by_model())
        store, limit = self._custody.reading(), self._directory.limit
        return Readings(self.counts, lanes, store, limit, self.past)

    @property
    def past(self) -> tuple[LaneReading, ...]:
        """Of versions that have left service: their counts."""
        return self._lanes.past

    async def measure(self) -> None:
        """Finds out from how long on a run is long here; until then none is."""
        await self._turns.measure()

    def start(self) -> None:
        """Begins to save streams."""
        self._custody.start()

    async def open(self, request: OpenRequest, owner: Owner) -> Opened:
        """Attaches a stream to `owner`. Raises a ServiceError, as `Opener` does."""
        self._expire()
        return await self._opener.open(request, owner)

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
        self._lanes.of(stream).stream_counts.lost[error.name] += 1
        owner = self._drop(stream)
        if owner:
            owner.end(error)
        extra = about(stream, error=error.name)
        log.info("stream %s left this server: %s", stream.key, error, extra=extra)
        self._tell_if_none_attached()

    def submit(self, stream: Stream, step: Step) -> None:
        """Accepts a step of the stream's present owner, who gets the answer in a later turn."""
        lane = self._lanes.of(stream)
        lane.submit(stream, step)
        self._turns.due(lane)

    def submit_block(self, lane: Lane, block: Block) -> None:
        """Accepts a step of each of many streams of that lane, which have one owner: it gets the
        answers in a later turn.
        """
        lane.submit_block(block)
        self._turns.due(lane)

    def close(self, stream: Stream, owner: Owner) -> None:
        """Ends the stream, if it is still the owner's."""
        if self._directory.close(stream, owner):
            self._lanes.of(stream).stream_counts.closed += 1
            self._finish(stream)
            self._tell_if_none_attached()

    def expire(self, stream: Stream, owner: Owner) -> None:
        """The same, of a stream that its clients have left alone for too long."""
        if self._directory.close(stream, owner):
            self._expired(stream)
            self._tell_if_none_attached()

    def _finish(self, stream: Stream) -> None:
        self._custody.end(stream)
        self._lanes.free(stream)

    def detach(self, stream: Stream, owner: Owner) -> None:
        """Keeps the stream for the idle limit, if it is still the owner's."""
        if self._directory.detach(stream, owner, self._clock()):
            self._custody.hurry(stream)
            self._on_detached()

    async def settled(self) -> None:
        """Waits until the store knows what has been closed and detached, or cannot be told."""
        with suppress(StoreDown, ServerDraining):
            await self._custody.flush()

    def _on_detached(self) -> None:
        self._arm_expiry()
        self._tell_if_none_attached()

    def _expire(self) -> None:
        for stream in self._directory.expire(self._clock()):
            self._expired(stream)

    def _expired(self, stream: Stream) -> None:
        self._lanes.of(stream).stream_counts.expired += 1
        self._finish(stream)
        log.info("stream %s expired", stream.key, extra=about(stream))

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

    def abandon(self, error: ServiceError) -> None:
        """Lets every stream go as it was last saved, for its state cannot be read any more."""
        self._draining = True
        self._custody.abandon()
        for stream in self._directory.streams():
            owner = self._drop(stream)
            if owner:
                owner.end(error)
        self._tell_if_none_attached()

    async def drained(self) -> None:
        """Waits until every connection has gone."""
        await self._none_attached.wait()

    async def close_down(self, patience: float) -> None:
        """Leaves every stream to the store, if there is one; nothing is called after it.

        A store that is away is tried for `patience` seconds.
        """
        streams = self._directory.streams()
        try:
            self._custody.leave(streams)
        except Exception as error:  # such as a device that is lost, or has no memory for a copy
            told = "the states of streams cannot be read, which stay as they were last saved: %s"
            log.error(told, error)
            self._custody.abandon()
        for stream in streams:
            self._drop(stream)
        await self._turns.close()
        try:
            await self._custody.close(patience)
        except StoreDown as error:
            if streams:
                log.error("%d streams are left as they were last saved: %s", len(streams), error)

    def _tell_if_none_attached(self) -> None:
        if self._draining and not self._directory.attached:
            self._none_attached.set()
