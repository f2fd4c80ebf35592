"""The sequences of a process: found by their keys, and given up when they are idle."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import OrderedDict
from itertools import islice, takewhile

from service.core.sequences import lone_key
from service.core.streams import StreamKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.sequences.request import SequenceRequest
from service.sequences.sequence import Sequence

_LEAST_PAUSE = 0.05
"""Seconds between two looks, where the oldest is busy."""
_AT_ONCE = 64
"""Sequences that end in one turn of the event loop."""
_LONE = 64
"""Streams, at most, that serve a model without states."""


class Sequences:
    def __init__(self, engine: Engine, idle_limit: float, max_streams: int) -> None:
        """`idle_limit`: seconds after its last request for which a sequence is kept.
        `max_streams`: that the engine keeps; a tenth of them may be sequences that have ended
        and are kept to be answered again.
        """
        share = max(1, max_streams // 10)
        self._engine = engine
        self._idle_limit = idle_limit
        self._most_over = share
        self._live: OrderedDict[StreamKey, Sequence] = OrderedDict()
        """By their newest requests, the oldest first."""
        self._over: OrderedDict[Sequence, None] = OrderedDict()
        self._expiry: asyncio.TimerHandle | None = None
        # Of this process alone: it takes no stream from another one.
        first = secrets.randbits(60) << 8
        self._lone = itertools.cycle(range(first, first + min(share, _LONE)))

    def __len__(self) -> int:
        return len(self._live)

    def lane(self, key: StreamKey) -> Lane | None:
        """Where a living sequence of this process runs."""
        sequence = self._live.get(key)
        return sequence.opened.lane if sequence and sequence.opened else None

    def lone(self, namespace: str, model: str) -> StreamKey:
        """One of the streams that serve requests of no sequence, for models without states."""
        return lone_key(namespace, model, next(self._lone))

    def take(self, request: SequenceRequest) -> None:
        """Accepts a request; its asker hears of it, at once or in a later turn of the loop."""
        sequence = self._live.get(request.key)
        if sequence:
            self._live.move_to_end(request.key)
        else:
            sequence = Sequence(request.key, self._engine, self)
            self._live[request.key] = sequence
            self._arm(self._idle_limit)
        sequence.take(request)

    def forget(self, sequence: Sequence) -> None:
        self._over.pop(sequence, None)
        if self._live.get(sequence.key) is sequence:
            del self._live[sequence.key]

    def is_over(self, sequence: Sequence) -> None:
        self._over[sequence] = None
        self._over.move_to_end(sequence)
        while len(self._over) > self._most_over:
            oldest, _ = self._over.popitem(last=False)
            if oldest.over and not oldest.busy:
                self._end(oldest)

    def _end(self, sequence: Sequence) -> None:
        sequence.close()
        self.forget(sequence)

    def _arm(self, delay: float) -> None:
        if self._expiry is None:
            self._expiry = asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        since = self._engine.now - self._idle_limit
        idle = takewhile(lambda each: each.used <= since, self._live.values())
        for sequence in list(islice(idle, _AT_ONCE)):
            if not sequence.busy:
                sequence.expire()
                self.forget(sequence)
        oldest = next(iter(self._live.values()), None)
        if oldest:
            self._arm(oldest.used - since if oldest.used > since else self._pause(oldest))

    def _pause(self, oldest: Sequence) -> float:
        return _LEAST_PAUSE if oldest.busy else 0.0
