"""The scheduler of one model version: which steps run together."""

from __future__ import annotations

from collections import deque

import numpy as np

from service.core.batch import Batch, Entry
from service.core.blocks import Block, BlockOwner
from service.core.model import Array
from service.core.session import Sessions
from service.core.settler import Settler
from service.core.steps import Step
from service.core.streams import Stream


class Scheduler:
    def __init__(self, sessions: Sessions, settler: Settler, max_batch: int) -> None:
        self._sessions = sessions
        self._settler = settler
        self._max_batch = max_batch
        self._waiting: deque[Stream | Block] = deque()

    @property
    def waiting(self) -> bool:
        """Whether the next batch has anything to do."""
        return bool(self._waiting)

    @property
    def due(self) -> int:
        """Rows of the next batch, at most."""
        rows = sum(1 if isinstance(each, Stream) else len(each) for each in self._waiting)
        return min(rows, self._max_batch)

    def submit(self, stream: Stream, step: Step) -> None:
        """Accepts a step of the stream's present owner."""
        stream.pending.append(step)
        if not stream.waiting:
            stream.waiting = True
            self._waiting.append(stream)

    def submit_block(self, block: Block) -> None:
        """Accepts a step of each of many streams of one owner."""
        self._waiting.append(block)

    def withdraw(self, stream: Stream) -> None:
        """The stream leaves: it may come to wait at another scheduler."""
        if stream.waiting:
            self._waiting.remove(stream)
            stream.waiting = False

    def next_batch(self, now: float) -> Batch:
        """The oldest step of each waiting stream, up to the batch limit."""
        batch = Batch(started=now)
        first: list[Block] = []
        again: list[Stream] = []
        owners: list[BlockOwner] = []
        room = self._max_batch
        while self._waiting and room > 0:
            waiting = self._waiting.popleft()
            if isinstance(waiting, Stream):
                room -= self._take_from(waiting, batch)
                if waiting.waiting:
                    again.append(waiting)
            elif waiting.owner in owners:
                first.append(waiting)
            else:
                owners.append(waiting.owner)
                first += self._take_block(waiting, room, batch)
                room = self._max_batch - len(batch)
        self._waiting.extendleft(reversed(first))
        self._waiting.extend(again)
        return batch

    def _take_from(self, stream: Stream, batch: Batch) -> int:
        """How many of its steps are to run: one, or none."""
        pending, taken = stream.pending, False
        while pending and not taken:
            taken = self._take(stream, pending.pop(0), batch)
        stream.waiting = bool(pending)
        return int(taken)

    def _take(self, stream: Stream, step: Step, batch: Batch) -> bool:
        """Whether the step is to run; otherwise it is settled."""
        slot, owner = stream.slot, stream.owner
        assert slot is not None and owner is not None
        answer = self._settler.settle(slot.row, step, stream.late_policy, batch.started)
        if answer is None:
            batch.entries.append(Entry(step, stream, slot, owner))
            return True
        batch.settled.append((owner, answer))
        return False

    def _take_block(self, block: Block, room: int, batch: Batch) -> list[Block]:
        """Takes as much of it as there is room for; returns the rest."""
        rest = []
        if len(block) > room:
            rest.append(block.part(slice(room, None)))
            block = block.part(slice(room))
        present = block.present
        if present is not None:
            block = block.part(present)
        ready = self._ready(block, batch.started)
        if not ready.all():
            self._take_singly(block, np.flatnonzero(~ready), batch)
            block = block.part(ready)
        if len(block):
            batch.blocks.append(block)
        return rest

    def _ready(self, block: Block, now: float) -> Array:
        """bool, [entries]: which are to run, without any question."""
        ready: Array = self._sessions.next_steps()[block.rows] == block.steps
        if block.verdicts is not None:
            ready &= block.verdicts == 0
        late = block.late(now)
        return ready if late is None else ready & ~late

    def _take_singly(self, block: Block, entries: Array, batch: Batch) -> None:
        for entry in entries.tolist():
            stream = block.owner.stream(block.handles.item(entry))
            self._take(stream, block.step(entry), batch)
