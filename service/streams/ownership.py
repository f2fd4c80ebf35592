"""Ownership: how this process comes to have a stream that lives in the state store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from service.checkpoint.store import (
    CheckpointUnreadable,
    Listed,
    Record,
    Store,
    StoreUnavailable,
    Write,
)
from service.core.checkpoint import Checkpoint
from service.core.errors import StateUnusable, StoreDown, StreamExists, StreamNotFound
from service.core.streams import UNFENCED, Fence, StreamKey

_LOOK_AGAIN = 0.02
"""Seconds between two looks at a stream that its owner is asked to release."""
_TRIES = 5
"""How often a stream may change hands while this process reaches for it."""


class Ownership:
    """Every method may raise StoreDown."""

    def __init__(self, store: Store, owner: str, *, takeover_wait: float, idle_limit: float):
        """`takeover_wait`: seconds that an owner has to release a stream before it is taken by
        force. `idle_limit`: seconds that the store keeps a stream nobody advances.
        """
        self._store = store
        self._owner = owner
        self._takeover_wait = takeover_wait
        self._idle_limit = idle_limit

    async def read(self, key: StreamKey) -> Record | None:
        """The stream as the store has it, ended ones too. Raises StateUnusable if damaged."""
        with _told(key):
            return await self._store.read(key)

    async def begin(
        self, key: StreamKey, token_hash: bytes, first: Checkpoint, former: Fence | None
    ) -> Fence:
        """Puts a new stream into the store, in the place of one that this process has under the
        fence `former`, if it has. Raises StreamExists if another process was faster; StoreDown if
        the stream has another fence by now, of which this process is about to hear.
        """
        with _told(key):
            if former:
                fence = self._after(former)
                stored = await self._store.replace(
                    Write(key, Record(fence, token_hash, first), self._idle_limit), former
                )
            else:
                ended = await self._store.read(key)
                fence = self._after(ended.fence if ended else UNFENCED)
                stored = await self._store.create(
                    Write(key, Record(fence, token_hash, first), self._idle_limit)
                )
        if stored:
            return fence
        if former:
            raise StoreDown(f"stream {key.id!r} has just changed hands: open it again in a moment")
        raise StreamExists(f"stream {key.id!r} was opened at another server just now")

    async def acquire(
        self, key: StreamKey, record: Record | None, *, complete: bool = False
    ) -> Record:
        """Takes a living stream, in a new epoch: at once where it was released, else after its
        owner was asked and had time to save it. Raises StreamNotFound if it has ended.

        `complete`: only if it was released; else StreamNotFound.
        """
        with _told(key):
            for _ in range(_TRIES):
                if record and record.checkpoint and not self._may_take(record):
                    asked, record = record, await self._ask_for(key, record)
                    if record and record.fence != asked.fence and not self._may_take(record):
                        continue  # whoever took it meanwhile lives, and is to be asked too
                if not record or not record.checkpoint:
                    raise StreamNotFound(f"stream {key.id!r} ended just now: create it again")
                if complete and not record.released:
                    raise StreamNotFound(
                        f"stream {key.id!r} was not let go of by the server that had it, and its "
                        "last timesteps may be lost"
                    )
                taken = await self._store.take(key, record.fence, self._owner)
                if taken:
                    return taken
                record = await self._store.read(key)
        raise StoreDown(f"stream {key.id!r} is being opened at several servers: open it again")

    async def rewrite(self, key: StreamKey, taken: Record, after: Checkpoint | None) -> None:
        """Replaces a record that was taken, in a new epoch and for anyone to take; None ends the
        stream. Its steps may go back.
        """
        fence = self._after(taken.fence)
        record = Record(fence, taken.token_hash, after, released=after is not None)
        with _told(key):
            done = await self._store.replace(Write(key, record, self._idle_limit), taken.fence)
        if not done:
            raise StoreDown(f"stream {key.id!r} was taken by another server: try again")

    async def list(self, namespace: str, after: str, limit: int) -> list[Listed]:
        """Living streams of a namespace, by their ids, behind the id `after`."""
        try:
            return await self._store.list(namespace, after, limit)
        except StoreUnavailable as error:
            raise StoreDown(
                f"the streams cannot be listed: the state store does not answer ({error})"
            ) from error

    async def renew(self, key: StreamKey, record: Record) -> Fence:
        """Stores a record of a stream that this process has, in the epoch after the record's.

        Raises StoreDown if another process has the stream, too.
        """
        fence = self._after(record.fence)
        with _told(key):
            write = Write(key, replace(record, fence=fence), self._idle_limit)
            if await self._store.replace(write, record.fence):
                return fence
        raise StoreDown(f"the state store no longer has stream {key.id!r} as this server's")

    def _after(self, fence: Fence) -> Fence:
        return Fence(fence.epoch + 1, self._owner)

    def _may_take(self, record: Record) -> bool:
        return record.released or record.fence.owner == self._owner

    async def _ask_for(self, key: StreamKey, record: Record) -> Record | None:
        """The record once it is released, has another owner, or its owner's time is up."""
        await self._store.claim(key, self._owner)
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._takeover_wait
        found: Record | None = record
        while clock() < deadline:
            await asyncio.sleep(_LOOK_AGAIN)
            found = await self._store.read(key)
            if found is None or found.released or found.fence != record.fence:
                break
        return found


@contextmanager
def _told(key: StreamKey) -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise StoreDown(
            f"stream {key.id!r} needs the state store, which does not answer: open it again in a "
            f"moment ({error})"
        ) from error
    except CheckpointUnreadable as error:
        raise StateUnusable(
            f"the stored state of stream {key.id!r} cannot be read ({error}): take another id"
        ) from error
