"""Changes from outside: how a stream is found and changed by who is not connected to it.

What changes is in the store first. A stream in this process is left to the store, and every one
is then taken from there in a new epoch, wherever it lived, and written in yet another one.
Without a store that outlives the process, it changes in memory.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import NamedTuple

from service.checkpoint.store import Record
from service.core.checkpoint import Checkpoint
from service.core.directory import Directory
from service.core.errors import (
    NotAllowed,
    ServiceError,
    StoreDown,
    StreamChanged,
    StreamExists,
)
from service.core.lifecycle import Effect
from service.core.streams import Mode, OpenRequest, Stream, StreamKey, hash_token
from service.lanes.lanes import Lanes
from service.streams.custody import Custody, stored
from service.streams.locks import KeyedLocks

Change = Callable[[Checkpoint], Checkpoint | None]
"""What a stream becomes; None: it ends. Raises a ServiceError for what cannot be done."""


class Named(NamedTuple):
    """A stream, as a caller names it."""

    key: StreamKey
    token: bytes
    covers: Callable[[str], bool]
    """Whether the caller may use a model of this name."""
    sequence: bool = False

    @property
    def request(self) -> OpenRequest:
        """An open that would resume it, and is refused where the caller is to be."""
        return OpenRequest(
            self.key.id,
            self.token,
            Mode.RESUME,
            "",
            namespace=self.key.namespace,
            sequence=self.sequence,
        )


class Found(NamedTuple):
    """A living stream: in this process, or else as the store has it."""

    known: Stream | None
    record: Record | None


class Outside:
    """Every method raises StreamNotFound, with the text of an open that resumes a stream which
    does not exist, for one that is not there or has another token; NotAllowed if the caller may
    not use its model; StoreDown.
    """

    def __init__(
        self,
        lanes: Lanes,
        directory: Directory,
        custody: Custody,
        locks: KeyedLocks,
        *,
        clock: Callable[[], float],
        admit: Callable[[], None],
        lose: Callable[[Stream, ServiceError], None],
        placed: Callable[[], None],
    ) -> None:
        """`locks` are those of the opens. `admit` raises where no stream is to change; `lose`
        takes a stream out of this process and tells its connection; `placed` is told of each
        that has come in detached.
        """
        self._lanes = lanes
        self._directory = directory
        self._custody = custody
        self._locks = locks
        self._clock = clock
        self._admit = admit
        self._lose = lose
        self._placed = placed

    async def read(self, named: Named) -> tuple[Checkpoint, int]:
        """The stream as it is, and its durable step; one of another process as that saved it
        last.
        """
        async with self._locks[named.key]:
            found = await self._find(named)
            return self._checkpoint(found), self._durable_step(found)

    def _durable_step(self, found: Found) -> int:
        if found.known and self._custody.durable:
            return self._lanes.of(found.known).durable_step(found.known)
        return found.record.step if found.record else 0

    async def copy(self, named: Named, request: OpenRequest) -> Checkpoint:
        """Copies the stream into the one that `request` would create, detached.

        Raises StreamExists if there is one of its id, or TooManyStreams.
        """
        copy, _ = await self.read(named)
        async with self._locks[request.key]:
            self._admit()
            there = await self._custody.find(request.key)
            if self._directory.judge(request, stored(request.key, there)) is not Effect.START:
                raise StreamExists(f"stream {request.stream_id!r} exists: choose another id")
            if self._custody.durable:
                fence = await self._custody.begin(request, copy, None, None)
                self._custody.give_back(request.key, Record(fence, request.token_hash, copy))
            else:
                hash_, policy = request.token_hash, request.late_policy
                self._place(Stream(request.key, hash_, copy.model, policy, None), copy)
        return copy

    async def change(self, named: Named, change: Change, reason: str) -> Checkpoint | None:
        """Makes the change, and leaves the stream detached, with the token it has.

        A connection that has the stream gets StreamChanged with the `reason`.
        """
        told = StreamChanged(reason)
        async with self._locks[named.key]:
            self._admit()
            if self._custody.durable:
                return await self._change_in_store(named, change, told)
            return await self._change_here(named, change, told)

    async def _change_here(
        self, named: Named, change: Change, told: StreamChanged
    ) -> Checkpoint | None:
        known = (found := await self._find(named)).known
        assert known
        before = self._checkpoint(found)
        after = change(before)
        if after is None:
            self._lose(known, told)
            return None
        owner = self._directory.remove(known)
        ending: ServiceError = told
        self._lanes.of(known).free(known)
        try:
            self._place(known, after)
        except ServiceError as error:
            ending = error
            self._place(known, before)
            raise
        finally:
            if owner:
                owner.end(ending)
        return after

    def _place(self, stream: Stream, checkpoint: Checkpoint) -> None:
        """Takes a stream in, detached. Raises TooManyStreams, or ServerDraining if the device is
        lost: it is not there then.
        """
        self._directory.place(stream, self._clock())
        stream.holder = checkpoint.holder
        try:
            self._lanes.of(stream).restore(stream, checkpoint, self._clock())
        except ServiceError:
            self._directory.remove(stream)
            raise
        self._placed()

    async def _change_in_store(
        self, named: Named, change: Change, told: StreamChanged
    ) -> Checkpoint | None:
        record = await self._left_to_store(named, change, told)
        taken = await self._custody.acquire(named.key, record)
        try:
            self._check(named, Found(None, taken))
            assert taken.checkpoint
            after = change(taken.checkpoint)
            await self._custody.rewrite(named.key, taken, after)
        except ServiceError:
            self._custody.give_back(named.key, taken)
            raise
        return after

    async def _left_to_store(self, named: Named, change: Change, told: StreamChanged) -> Record:
        """The stream's record, once this process has it no more.

        Nothing has changed, and no connection is told, unless the store answers and the change
        can be made.
        """
        found = await self._stored(named.key)
        self._check(named, found)
        change(self._checkpoint(found))
        if found.known:
            if not self._custody.release(found.known):
                raise StoreDown(f"stream {named.key.id!r} needs the state store, which is away")
            self._lose(found.known, told)
            found = await self._stored(named.key)
            self._check(named, found)
        assert found.record
        return found.record

    async def _find(self, named: Named) -> Found:
        """The stream in this process, or else as the store has it.

        The store is asked for a stream with another token too, as for one that is nowhere.
        """
        known = self._directory.find(named.key)
        found = Found(known, None)
        if not known or not hmac.compare_digest(known.token_hash, hash_token(named.token)):
            found = await self._stored(named.key)
        self._check(named, found)
        return found

    async def _stored(self, key: StreamKey) -> Found:
        """With the newest that the store has, also of a stream that leaves this process just
        then.
        """
        before = self._directory.find(key)
        record = await self._custody.find(key)
        if before and not self._directory.find(key):
            record = await self._custody.find(key)
        return Found(self._directory.find(key), record)

    def _check(self, named: Named, found: Found) -> None:
        there = stored(named.key, found.record)
        self._directory.judge(named.request, there)
        living = found.known or there
        assert living
        if not named.covers(model := living.model.name):
            raise NotAllowed(f"the credential of this call does not cover model {model!r}")

    def _checkpoint(self, found: Found) -> Checkpoint:
        """Of a stream that may be touched."""
        if found.known:
            (checkpoint,) = self._lanes.checkpoints([found.known])
            return checkpoint
        assert found.record and found.record.checkpoint
        return found.record.checkpoint
