"""The sequences of a process: found by their keys, and given up when they are idle."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from itertools import takewhile

from service.core.streams import StreamKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.sequences.request import SequenceRequest
from service.sequences.sequence import Sequence

log = logging.getLogger(__name__)

_LEAST_PAUSE = 0.05
"""Seconds between two looks, where the oldest is busy."""


class Sequences:
    def __init__(self, engine: Engine, idle_limit: float) -> None:
        """`idle_limit`: seconds after its last request for which a sequence is kept."""
        self._engine = engine
        self._idle_limit = idle_limit
        self._live: OrderedDict[StreamKey, Sequence] = OrderedDict()
        """By their newest requests, the oldest first."""
        self._expiry: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._live)

    def lane(self, key: StreamKey) -> Lane | None:
        """Where a living sequence of this process runs."""
        sequence = self._live.get(key)
        return sequence.opened.lane if sequence and sequence.opened else None

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
        if self._live.get(sequence.key) is sequence:
            del self._live[sequence.key]

    def _arm(self, delay: float) -> None:
        if self._expiry is None:
            self._expiry = asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        since = self._engine.now - self._idle_limit
        for sequence in list(takewhile(lambda each: each.used <= since, self._live.values())):
            if not sequence.busy:
                sequence.close()
                self.forget(sequence)
                log.info("sequence %s expired", sequence.key)
        oldest = next(iter(self._live.values()), None)
        if oldest:
            self._arm(max(_LEAST_PAUSE, oldest.used - since))
