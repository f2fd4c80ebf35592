"""The keeper: saves the streams of this process in the state store, behind their backs.

It works in rounds, one at a time. A round saves each stream that has changed as it is now, in
slices, and nobody waits for it but those who ask to. While the store is away the streams go on;
once it answers again every stream is saved anew, for what it kept may be older, or gone.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from service.checkpoint.store import Record, Store, StoreUnavailable, Write
from service.core.counts import StoreCounts, StoreReading
from service.core.errors import ServerDraining, ServiceError, StoreDown, StreamTakenOver
from service.core.streams import Fence, Stream, StreamKey
from service.lanes.lanes import Lanes
from service.streams.claims import Claims
from service.streams.unsaved import Unsaved

log = logging.getLogger(__name__)

T = TypeVar("T")

_SLICE = 128
"""Records that one write takes: checkpoints of more would hold up the steps."""
_LONGEST_PAUSE = 1.0
"""Seconds between two tries while rounds fail."""
_REFRESHES = 3
"""How often a stream that stands still is saved within the time that the store keeps it."""


class Keeper:
    def __init__(
        self,
        store: Store,
        lanes: Lanes,
        *,
        interval: float,
        idle_limit: float,
        clock: Callable[[], float],
        lose: Callable[[Stream, ServiceError], None],
        find: Callable[[StreamKey], Stream | None],
    ) -> None:
        """`interval`: seconds from one round to the next. `idle_limit`: seconds that the store
        keeps a stream nobody advances. `lose` is told of a stream that another process has,
        `find` tells the stream that this process has.
        """
        self.store = store
        self.owner = secrets.token_hex(8)
        self.counts = StoreCounts()
        self._lanes = lanes
        self._interval = interval
        self._idle_limit = idle_limit
        self._clock = clock
        self._lose = lose
        self._claims = Claims(
            store,
            self.owner,
            find=find,
            is_parting_from=self.is_parting_from,
            hand_over=self._hand_over,
            give_back=self.give_back,
        )
        self._urgent: set[Stream] = set()
        self._farewells: dict[StreamKey, Write] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._news = asyncio.Event()
        self._due = 0.0
        self._unsaved = Unsaved(lanes, clock())
        self._down_since: float | None = None
        self._everything = False
        self._pause = 0.0
        """Seconds that the next round waits, for the last one failed; 0: it did not."""

    @property
    def reading(self) -> StoreReading:
        now = self._clock()
        degraded_for = None if self._down_since is None else now - self._down_since
        return StoreReading(self.counts, degraded_for, self._unsaved.ages(now))

    @property
    def degraded(self) -> bool:
        """Whether the store is away."""
        return self._down_since is not None

    def hurry(self, stream: Stream) -> None:
        """Saves the stream at once."""
        self._urgent.add(stream)
        self._news.set()

    def release(self, streams: Sequence[Stream]) -> None:
        """Saves the streams as they are, for anyone to take; this process gives them up."""
        for some in _slices(streams):
            for stream, checkpoint in zip(some, self._lanes.checkpoints(some), strict=True):
                last = Record(_last_fence(stream), stream.token_hash, checkpoint, released=True)
                self.part(stream.key, last)

    def end(self, stream: Stream) -> None:
        """Has the store know that the stream is over."""
        self.part(stream.key, Record(_last_fence(stream), stream.token_hash, None))

    def give_back(self, key: StreamKey, record: Record) -> None:
        """Lets go of a record that was taken and is not wanted after all."""
        self.part(key, replace(record, released=True))

    def part(self, key: StreamKey, last: Record) -> None:
        """Has the store know the last of a stream that this process has no more."""
        self._farewells[key] = Write(key, last, self._idle_limit)
        self._news.set()

    def abandon(self) -> None:
        """Streams were dropped as they were last saved, without their last steps."""
        self._claims.abandon()

    @property
    def parting(self) -> bool:
        """Whether the store has yet to be told of any stream that this process gave up."""
        return bool(self._farewells)

    def is_parting_from(self, key: StreamKey) -> bool:
        """Whether the store has yet to be told that this process gave the stream up."""
        return key in self._farewells

    async def flush(self) -> None:
        """Waits until all that is urgent now is in the store. Raises StoreDown, or ServerDraining
        if the device is lost.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._news.set()
        await done

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while True:
            await self._next_round()
            await self._round()

    async def _next_round(self) -> None:
        if self._pause:
            await asyncio.sleep(self._pause)
            return
        if not self._news.is_set():
            try:
                async with asyncio.timeout(max(0.0, self._due - self._clock())):
                    await self._news.wait()
            except TimeoutError:
                return
        self._news.clear()

    async def _round(self) -> None:
        waiting, self._waiting = self._waiting, []
        started = self._clock()
        complete = started >= self._due
        try:
            if complete:
                self._due = started + self._interval
                await self._claims.answer()
            await self._save(complete)
        except StoreUnavailable as error:
            self._degrade(error)
            self._put_off()
            _resolve(waiting, StoreDown(f"the state store does not answer: {error}"))
        except ServerDraining as error:  # the device is lost, which is told elsewhere
            self._put_off()
            _resolve(waiting, error)
        except Exception as error:  # whatever it is, the steps go on and the next round tries again
            log.exception("a round of saving failed")
            self._put_off()
            _resolve(waiting, StoreDown(f"the streams could not be saved: {error}"))
        else:
            self._recover()
            self.counts.durations.add(self._clock() - started)
            if complete:
                self._unsaved.saved(started)
            _resolve(waiting, None)

    def _hand_over(self, stream: Stream) -> None:
        self.release([stream])
        self._lose(stream, StreamTakenOver(f"stream {stream.id!r} goes on at another server"))

    async def _save(self, complete: bool) -> None:
        urgent, self._urgent = self._urgent, set()
        self.counts.rounds += 1
        await self._say_farewells()
        streams = self._to_save() if complete else [each for each in urgent if each.slot]
        for some in _slices(streams):
            await self._save_streams([stream for stream in some if stream.slot])

    def _to_save(self) -> list[Stream]:
        if self._everything:
            return self._lanes.unsaved(math.inf)
        return self._lanes.unsaved(self._clock() - self._idle_limit / _REFRESHES)

    async def _say_farewells(self) -> None:
        for farewells in _slices(list(self._farewells.values())):
            self._count(await self.store.write(farewells))
            for write in farewells:
                if self._farewells.get(write.key) is write:
                    del self._farewells[write.key]

    async def _save_streams(self, streams: Sequence[Stream]) -> None:
        if not streams:
            return
        taken = self._clock()
        writes = [
            Write(
                stream.key,
                Record(stream.fence, stream.token_hash, checkpoint),
                self._kept_for(stream, taken),
            )
            for stream, checkpoint in zip(streams, self._lanes.checkpoints(streams), strict=True)
        ]
        stored = await self.store.write(writes)
        self._count(stored)
        for stream, write, good in zip(streams, writes, stored, strict=True):
            if stream.slot is None or stream.fence != write.record.fence:
                continue
            if good:
                self._saved(stream, write.record.step, taken)
            else:
                self._lose(stream, self._taken_over(stream))

    def _kept_for(self, stream: Stream, now: float) -> float:
        return self._idle_limit if stream.owner else max(0.0, stream.expires - now)

    def _saved(self, stream: Stream, step: int, taken: float) -> None:
        self._lanes.of(stream).saved(stream, step, taken)
        if stream.owner:
            stream.owner.durable(step)

    def _taken_over(self, stream: Stream) -> StreamTakenOver:
        shared = self._lanes.of(stream).durable_step(stream)
        return StreamTakenOver(
            f"stream {stream.id!r} was taken by another server, which has its steps before "
            f"{shared}: the later ones of this connection are discarded"
        )

    def _count(self, stored: Sequence[bool]) -> None:
        self.counts.written += sum(stored)
        self.counts.refused += len(stored) - sum(stored)

    def _degrade(self, error: Exception) -> None:
        self.counts.failures += 1
        self._everything = True
        if self._down_since is None:
            self._down_since = self._clock()
            extra = {"error": StoreDown.name}
            told = "degraded: streams go on in memory only, the state store is away: %s"
            log.error(told, error, extra=extra)

    def _put_off(self) -> None:
        self._unsaved.look(self._clock())
        self._pause = min(2 * self._pause or self._interval, _LONGEST_PAUSE)

    def _recover(self) -> None:
        self._everything = False
        self._pause = 0.0
        if self._down_since is not None:
            log.warning(
                "the state store is back after %.1f s; every stream is saved again",
                self._clock() - self._down_since,
            )
            self._down_since = None


def _last_fence(stream: Stream) -> Fence:
    """Of a stream that this process gives up: where it is unsettled, the later of the two that
    the store may have.
    """
    epoch, owner = stream.fence
    return Fence(epoch + stream.unsettled, owner)


def _slices(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _SLICE):
        yield items[start : start + _SLICE]


def _resolve(waiting: Sequence[asyncio.Future[None]], error: ServiceError | None) -> None:
    for done in waiting:
        if done.done():
            continue
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)
