"""Deployment: brings model versions into service and takes them out, while streams run."""

from __future__ import annotations

import asyncio
import logging
import time

from service.core.errors import (
    ModelInUse,
    ModelNotFound,
    ModelRefused,
    ServiceError,
    StoreDown,
    TooManyStreams,
)
from service.core.streams import ModelKey
from service.core.swap import obstacle
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.lanes.loading import Loader
from service.operations.orders import Action, ModelState, Order, Outcome, Standing
from service.repository.packages import Package
from service.streams.handover import Handover

log = logging.getLogger(__name__)


class Deployment:
    """One per process, called on its event loop. Files are read and models proven on a thread,
    so that the streams of other versions go on meanwhile.
    """

    def __init__(self, lanes: Lanes, handover: Handover, loader: Loader) -> None:
        self._lanes = lanes
        self._handover = handover
        self._loader = loader
        self._ordering = asyncio.Lock()

    async def carry_out(self, order: Order) -> Outcome:
        """In this process; one order at a time, but for listing."""
        try:
            if order.action is Action.LIST:
                return Outcome(await self.states(order.model))
            async with self._ordering:
                if order.action is Action.LOAD:
                    return await self._load_and_hand_over(order)
                return await self._unload(order.model, order.version)
        except ServiceError as error:
            return Outcome(error=error.name, message=str(error))

    async def find(self, name: str, version: int | None) -> Package:
        """On disk; `version` None: the newest. Raises ModelNotFound."""
        return await asyncio.to_thread(self._loader.find, name, version)

    async def states(self, name: str = "") -> tuple[ModelState, ...]:
        """Of every version on disk or in service, by name and number. Raises ModelNotFound if
        the repository is not there.
        """
        on_disk = await asyncio.to_thread(self._loader.versions)
        keys = {*on_disk, *(lane.model for lane in self._lanes), *self._lanes.refused}
        return tuple(self._state(key) for key in sorted(keys) if name in ("", key.name))

    def names(self) -> set[str]:
        """Of the models in service."""
        return {lane.model.name for lane in self._lanes}

    def versions(self, name: str) -> list[int]:
        """Of a model, those that take new streams, oldest first."""
        keys = (lane.model for lane in self._lanes if lane.model.name == name)
        return sorted(key.version for key in keys if not self._lanes.is_retired(key))

    def lane(self, name: str, version: int | None) -> Lane:
        """A version in service; `version` None: the one that new streams take. Raises
        ModelNotFound.
        """
        known = self._lanes.find(ModelKey(name, version)) if version else None
        return known or self._lanes.named(name, version)

    def _state(self, key: ModelKey) -> ModelState:
        lane, reason = self._lanes.find(key), self._lanes.refused.get(key, "")
        if lane is None:
            standing = Standing.REFUSED if reason else Standing.NOT_LOADED
            return ModelState(*key, standing, reason)
        standing = Standing.DRAINING if self._lanes.is_retired(key) else Standing.SERVING
        return ModelState(*key, standing, reason, len(lane.streams), lane.digest)

    async def _load_and_hand_over(self, order: Order) -> Outcome:
        package = await self.find(order.model, order.version)
        await self._load(package)
        moved, notes = await self._hand_over(package.key) if order.hand_over else (0, ())
        return Outcome((self._state(package.key),), moved=moved, notes=notes)

    async def _load(self, package: Package) -> None:
        key = package.key
        try:
            if self._is_in_service(key, await asyncio.to_thread(self._loader.digest, package)):
                self._lanes.reinstate(key)
                return
            lane = await asyncio.to_thread(self._proven, package)
        except ModelRefused as error:
            self._lanes.refuse(key, str(error))
            raise ModelRefused(f"{key} must not serve: {error}") from error
        self._refuse_if_in_use(key)
        self._lanes.put(lane)

    def _is_in_service(self, key: ModelKey, digest: str) -> bool:
        lane = self._lanes.find(key)
        return lane is not None and lane.digest == digest

    def _refuse_if_in_use(self, key: ModelKey) -> None:
        """What a stream has computed so far must be what its version computes."""
        lane = self._lanes.find(key)
        if lane and lane.streams:
            raise ModelInUse(
                f"streams run on {key} ({len(lane.streams)}), whose file on disk is another by "
                "now, by its digest: give the other file a version of its own, or unload "
                f"{key} and load it again once its last stream has left"
            )

    def _proven(self, package: Package) -> Lane:
        began = time.thread_time()
        try:
            return self._loader.load(package)
        finally:
            self._lanes.loading_seconds += time.thread_time() - began

    async def _hand_over(self, newest: ModelKey) -> tuple[int, tuple[str, ...]]:
        """How many streams of older versions have moved, and why the others have not."""
        to, total, notes = self._lanes[newest], 0, []
        if self._lanes.named(newest.name, None) is not to:
            return 0, (f"{newest} is not the newest version in service: no stream moves to it",)
        for former in self._lanes:
            if former.model.name != newest.name or former is to:
                continue
            moved, staying = await self._move_all(former, to)
            total += moved
            if former.streams:
                notes.append(f"{former.model} keeps its streams ({len(former.streams)}): {staying}")
        extra = {"model": str(newest)}
        log.info("streams handed over to %s: %d", newest, total, extra=extra)
        return total, tuple(notes)

    async def _move_all(self, former: Lane, to: Lane) -> tuple[int, str]:
        """How many have moved, and why the others have not."""
        if staying := obstacle(former.signature, to.signature):
            return 0, staying
        moved = 0
        while former.streams:
            for stream in former.streams:
                try:
                    # A call that is cancelled leaves no stream half way.
                    moved += await asyncio.shield(self._handover.move(stream, to))
                except (StoreDown, TooManyStreams) as error:
                    return moved, f"{error}; load {to.model} again to hand them over"
        return moved, ""

    async def _unload(self, name: str, version: int | None) -> Outcome:
        keys = [
            lane.model
            for lane in self._lanes
            if lane.model.name == name and version in (None, lane.model.version)
        ]
        if not keys:
            which = "" if version is None else f" version {version} of"
            raise ModelNotFound(f"there is no{which} model {name[:140]!r} to unload")
        for key in keys:
            self._lanes.retire(key)
            log.info("unloaded %s", key, extra={"model": str(key)})
        return Outcome(tuple(map(self._state, keys)))
