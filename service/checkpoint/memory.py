"""The store of a process that keeps nothing beyond its life."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from service.checkpoint.store import Listed, Record, Write
from service.core.streams import Fence, StreamKey

_LOOKED_AT = 64
"""Records that a round looks at to forget those whose time is up."""


class _Entry(NamedTuple):
    record: Record
    expires: float


class MemoryStore:
    """`clock` gives seconds; it is read to tell whose time is up."""

    durable = False

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[StreamKey, _Entry] = {}
        self._claims: set[StreamKey] = set()
        self._unlooked: Iterator[StreamKey] = iter(())

    def __len__(self) -> int:
        """Records held, those included whose time is up and that are not forgotten yet."""
        return len(self._entries)

    async def read(self, key: StreamKey) -> Record | None:
        entry = self._entry(key)
        return entry.record if entry else None

    async def create(self, write: Write) -> bool:
        known = self._entry(write.key)
        if known and (known.record.checkpoint or known.record.fence >= write.record.fence):
            return False
        self._put(write)
        return True

    async def write(self, writes: Sequence[Write]) -> list[bool]:
        self._forget_some()
        return [self._write(write) for write in writes]

    async def replace(self, write: Write, seen: Fence) -> bool:
        known = self._entry(write.key)
        if known and known.record.fence != seen:
            return False
        self._put(write)
        return True

    async def take(self, key: StreamKey, seen: Fence, owner: str) -> Record | None:
        entry = self._entry(key)
        if not entry or entry.record.fence != seen or not entry.record.checkpoint:
            return None
        fence = Fence(seen.epoch + 1, owner)
        record = replace(entry.record, fence=fence, released=False)
        self._entries[key] = entry._replace(record=record)
        self._claims.discard(key)
        return record

    async def claim(self, key: StreamKey, owner: str) -> None:
        entry = self._entry(key)
        if entry and entry.record.checkpoint and not entry.record.released:
            self._claims.add(key)

    async def claimed(self, owner: str) -> list[StreamKey]:
        owned = ((key, self._entry(key)) for key in self._claims)
        return [key for key, entry in owned if entry and entry.record.fence.owner == owner]

    async def list(self, namespace: str, after: str, limit: int) -> list[Listed]:
        ids = (key.id for key in self._entries if key.namespace == namespace and key.id > after)
        living = (self._listed(StreamKey(namespace, id_)) for id_ in sorted(ids))
        return list(itertools.islice(filter(None, living), limit))

    async def close(self) -> None:
        self._entries.clear()

    def _entry(self, key: StreamKey) -> _Entry | None:
        entry = self._entries.get(key)
        return entry if entry and entry.expires > self._clock() else None

    def _write(self, write: Write) -> bool:
        known = self._entry(write.key)
        if known and known.record.order > write.record.order:
            return False
        self._put(write)
        return True

    def _put(self, write: Write) -> None:
        """Stores a record that may be stored."""
        former, record = self._entry(write.key), write.record
        same_owner = former is not None and former.record.fence == record.fence
        if not same_owner or record.released or not record.checkpoint:
            self._claims.discard(write.key)
        self._entries[write.key] = _Entry(record, self._clock() + write.keep_for)

    def _listed(self, key: StreamKey) -> Listed | None:
        entry = self._entry(key)
        if not entry or not entry.record.checkpoint:
            return None
        model = entry.record.checkpoint.model
        return Listed(key, model.name, model.version, entry.record.step, entry.record.released)

    def _forget_some(self) -> None:
        """A few records at a time, so that no round takes long."""
        if not (keys := list(itertools.islice(self._unlooked, _LOOKED_AT))):
            self._unlooked = iter(list(self._entries))
        for key in keys:
            if key in self._entries and not self._entry(key):
                del self._entries[key]
                self._claims.discard(key)
