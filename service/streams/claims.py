"""Claims: how this process answers others that ask for streams it has in the state store."""

from __future__ import annotations

import logging
from collections.abc import Callable

from service.checkpoint.store import CheckpointUnreadable, Record, Store
from service.core.streams import Stream, StreamKey

log = logging.getLogger(__name__)


class Claims:
    def __init__(
        self,
        store: Store,
        owner: str,
        *,
        find: Callable[[StreamKey], Stream | None],
        is_parting_from: Callable[[StreamKey], bool],
        hand_over: Callable[[Stream], None],
        give_back: Callable[[StreamKey, Record], None],
    ) -> None:
        """`owner`: this process, as the store knows it. `find` tells the stream that it has, and
        `is_parting_from` whether it is about to let the store know the last of one. `hand_over`
        lets a stream go as it is, `give_back` a record that was taken and never served.
        """
        self._store = store
        self._owner = owner
        self._find = find
        self._is_parting_from = is_parting_from
        self._hand_over = hand_over
        self._give_back = give_back
        self._abandoned = False
        self._unreadable: set[StreamKey] = set()
        """Told of once."""

    def abandon(self) -> None:
        """Streams were dropped whose last steps the store lacks: none that is not here is said to
        be complete.
        """
        self._abandoned = True

    async def answer(self) -> None:
        """Raises StoreUnavailable."""
        for key in await self._store.claimed(self._owner):
            stream = self._find(key)
            if stream:
                self._hand_over(stream)
            elif not self._abandoned and not self._is_parting_from(key):
                await self._let_go(key)

    async def _let_go(self, key: StreamKey) -> None:
        """Of a stream that this process took and never had, for its client left meanwhile."""
        try:
            record = await self._store.read(key)
        except CheckpointUnreadable as error:
            if key not in self._unreadable:
                self._unreadable.add(key)
                extra = {"stream": str(key)}
                told = "the stored state of stream %s cannot be read: %s"
                log.error(told, key, error, extra=extra)
            return
        if self._find(key) or self._abandoned:
            return
        if record and record.checkpoint and record.fence.owner == self._owner:
            self._give_back(key, record)
