"""The engine: where asyncio meets the core.

No timer forms a batch: the steps that arrive in one turn of the event loop run together.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from service.core.directory import Directory
from service.core.errors import ModelNotFound, ServerDraining, StreamTakenOver
from service.core.steps import Step
from service.core.streams import ModelKey, OpenRequest, Owner, Stream
from service.lane import Lane

log = logging.getLogger(__name__)


class Opened(NamedTuple):
    stream: Stream
    lane: Lane
    next_step: int


class Engine:
    """One per process; every method is called on its event loop."""

    def __init__(
        self,
        lanes: Mapping[ModelKey, Lane],
        refused: Mapping[ModelKey, str],
        directory: Directory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`refused`: models that must not serve, with the reason."""
        self._lanes = dict(lanes)
        self._refused = dict(refused)
        self._directory = directory
        self._clock = clock
        self._scheduled: set[Lane] = set()
        self._expiry: asyncio.TimerHandle | None = None
        self._draining = False
        self._none_attached = asyncio.Event()

    @property
    def now(self) -> float:
        """Seconds, on the clock that steps are timed by."""
        return self._clock()

    @property
    def idle_limit(self) -> float:
        """Seconds that a detached stream keeps its state."""
        return self._directory.idle_limit

    def lanes(self) -> list[Lane]:
        return list(self._lanes.values())

    def open(self, request: OpenRequest, owner: Owner) -> Opened:
        """Attaches a stream to `owner`. Raises a ServiceError; nothing has changed then."""
        if self._draining:
            raise ServerDraining("this server is stopping: open the stream again in a moment")
        self._expire()
        model = self._resolve(request) if request.starts_anew else None
        stream, starts, dropped, displaced = self._directory.open(request, model, owner)
        if dropped:
            self._lanes[dropped.model].free(dropped)
        lane = self._lanes[stream.model]
        if starts:
            lane.start(stream)
        if displaced:
            displaced.end(
                StreamTakenOver(f"stream {stream.id!r} now belongs to another connection")
            )
        return Opened(stream, lane, lane.next_step(stream))

    def _resolve(self, request: OpenRequest) -> ModelKey:
        name, version = request.model, request.version
        versions = [key.version for key in self._lanes if key.name == name]
        if version is None and versions:
            return ModelKey(name, max(versions))
        if version in versions:
            return ModelKey(name, version)
        raise ModelNotFound(self._missing(name, version, versions))

    def _missing(self, name: str, version: int | None, versions: list[int]) -> str:
        refused = [key for key in self._refused if key.name == name]
        if version is not None:
            refused = [key for key in refused if key.version == version]
        if refused:
            return f"model {refused[-1]} does not serve: {self._refused[refused[-1]]}"
        if versions:
            return f"model {name!r} has no version {version}, only {_list(versions)}"
        return f"there is no model {name!r}, only {_list({key.name for key in self._lanes})}"

    def submit(self, stream: Stream, step: Step) -> None:
        """Accepts a step of the stream's present owner, who gets the answer in a later turn."""
        lane = self._lanes[stream.model]
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
            self._lanes[stream.model].free(stream)
            self._tell_if_none_attached()

    def detach(self, stream: Stream, owner: Owner) -> None:
        """Keeps the stream for the idle limit, if it is still the owner's."""
        self._directory.detach(stream, owner, self._clock())
        self._arm_expiry()
        self._tell_if_none_attached()

    def _expire(self) -> None:
        for stream in self._directory.expire(self._clock()):
            self._lanes[stream.model].free(stream)
            log.info("stream %s expired", stream.id)

    def _arm_expiry(self) -> None:
        expiry = self._directory.next_expiry()
        if self._expiry is None and expiry is not None:
            delay = max(0.0, expiry - self._clock())
            self._expiry = asyncio.get_running_loop().call_later(delay, self._on_expiry)

    def _on_expiry(self) -> None:
        self._expiry = None
        self._expire()
        self._arm_expiry()

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

    def _tell_if_none_attached(self) -> None:
        if self._draining and not self._directory.attached:
            self._none_attached.set()


def _list(items: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, items))) or "none"
