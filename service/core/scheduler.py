"""The scheduler of one model version: which steps run together, and what each is answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence, Set

import numpy as np

from service.core.batch import Batch, BatchResult, Delivery, Entry, Fault
from service.core.blocks import Block, BlockOutputs
from service.core.counts import StepCounts
from service.core.lateness import Verdict, is_late
from service.core.model import Array, Signature
from service.core.session import Sessions, seal
from service.core.settler import Settler
from service.core.slots import as_numbers
from service.core.steps import Output, Step
from service.core.streams import Owner, Stream


class Scheduler:
    def __init__(self, signature: Signature, sessions: Sessions, max_batch: int) -> None:
        self.counts = StepCounts()
        self._output_sizes = tuple(spec.nbytes for spec in signature.outputs)
        self._sessions = sessions
        self._settler = Settler(signature, sessions, self.counts)
        self._max_batch = max_batch
        self._waiting: deque[Stream | Block] = deque()

    @property
    def waiting(self) -> bool:
        """Whether the next batch has anything to do."""
        return bool(self._waiting)

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
        room = self._max_batch
        while self._waiting and room > 0:
            waiting = self._waiting.popleft()
            if isinstance(waiting, Stream):
                self._take_from(waiting, batch)
                if waiting.waiting:
                    again.append(waiting)
            elif any(block.owner is waiting.owner for block in batch.blocks):
                first.append(waiting)
            else:
                first += self._take_block(waiting, room, batch)
            room = self._max_batch - len(batch)
        self._waiting.extendleft(reversed(first))
        self._waiting.extend(again)
        return batch

    def _take_from(self, stream: Stream, batch: Batch) -> None:
        while stream.pending:
            step = stream.pending.popleft()
            assert stream.slot is not None and stream.owner is not None
            if self._take(stream, stream.owner, step, batch):
                break
        stream.waiting = bool(stream.pending)

    def _take(self, stream: Stream, owner: Owner, step: Step, batch: Batch) -> bool:
        """Whether the step is to run; otherwise it is settled."""
        assert stream.slot is not None
        policy, now = stream.late_policy, batch.started
        answer = self._settler.settle(stream.slot.row, step, policy, now)
        if answer is None:
            batch.entries.append(Entry(step, stream, stream.slot, owner))
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
            assert stream.owner is not None
            self._take(stream, stream.owner, block.step(entry), batch)

    def absent(self, batch: Batch) -> set[int]:
        """Rows whose streams have ended, or changed hands, since the batch formed.

        Their steps have not run: who has the stream sends them again.
        """
        rows = {row for row, entry in enumerate(batch.entries) if not entry.present}
        first = len(batch.entries)
        for block in batch.blocks:
            present = block.present
            if present is not None:
                rows.update((first + np.flatnonzero(~present)).tolist())
            first += len(block)
        return rows

    def complete(
        self, batch: Batch, result: BatchResult, now: float, absent: Set[int] = frozenset()
    ) -> list[Delivery]:
        """Commits what ran and returns its answers; those of `absent` rows are dropped."""
        self._count_run(batch, now)
        deliveries: list[Delivery] = []
        if batch.entries:
            deliveries += self._complete_entries(batch, result, now, absent)
        first = len(batch.entries)
        for block in batch.blocks:
            deliveries += self._complete_block(block, first, batch, result, now, absent)
            first += len(block)
        return deliveries

    def _count_run(self, batch: Batch, now: float) -> None:
        if not batch:
            return
        counts, started = self.counts, batch.started
        counts.batches += 1
        counts.computed += now - started
        counts.queued += sum(started - entry.step.received for entry in batch.entries)
        for block in batch.blocks:
            counts.queued += len(block) * (started - block.received)

    def _complete_entries(
        self, batch: Batch, result: BatchResult, now: float, absent: Set[int]
    ) -> list[Delivery]:
        faults, rows = result.faults, list(range(len(batch.entries)))
        if faults or absent:
            rows = [row for row in rows if row not in faults and row not in absent]
        deliveries: list[Delivery] = []
        if rows:
            deliveries += self._commit_entries(batch, result.outputs, rows, now)
        for row, fault in faults.items():
            if row < len(batch.entries) and row not in absent:
                step, _, slot, owner = batch.entries[row]
                deliveries.append(self._failed(slot.row, step, owner, fault))
        return deliveries

    def _commit_entries(
        self, batch: Batch, outputs: Sequence[Array], rows: list[int], now: float
    ) -> list[Delivery]:
        entries, slots, steps = batch.entries, batch.entry_slots, batch.steps
        sums = batch.checksums
        if len(rows) < len(batch):
            entries, slots, steps = [entries[row] for row in rows], slots[rows], steps[rows]
            outputs, sums = [array[rows] for array in outputs], sums[rows]
        verdicts = [_verdict(entry.step, now) for entry in entries]
        self._sessions.commit(slots, steps, seal(sums, np.array(verdicts, np.int64)), outputs)
        self.counts.ran += len(entries)
        self.counts.late += verdicts.count(Verdict.LATE)

        encoded = zip(*map(_row_bytes, outputs, self._output_sizes), strict=True)
        size, started, computed = len(batch), batch.started, now - batch.started
        return [
            (
                owner,
                Output(step.number, row, verdict, size, started - step.received, computed),
            )
            for (step, _, _, owner), row, verdict in zip(entries, encoded, verdicts, strict=True)
        ]

    def _complete_block(
        self,
        block: Block,
        first: int,
        batch: Batch,
        result: BatchResult,
        now: float,
        absent: Set[int],
    ) -> list[Delivery]:
        """`first`: its first row in the batch."""
        rows = slice(first, first + len(block))
        outputs, sums = [array[rows] for array in result.outputs], batch.checksums[rows]
        if not result.faults and not absent:
            return [self._commit_block(block, sums, outputs, batch, now)]
        deliveries: list[Delivery] = []
        good = np.array([row not in absent for row in range(first, first + len(block))])
        for entry, fault in _faults_of(result, first, len(block)).items():
            if good[entry]:
                stream = block.owner.stream(block.handles.item(entry))
                assert stream.owner is not None
                row, step = as_numbers(block.rows).item(entry), block.step(entry)
                deliveries.append(self._failed(row, step, stream.owner, fault))
                good[entry] = False
        outputs, sums = [array[good] for array in outputs], sums[good]
        block = block.part(good)
        if len(block):
            deliveries.append(self._commit_block(block, sums, outputs, batch, now))
        return deliveries

    def _commit_block(
        self, block: Block, sums: Array, outputs: Sequence[Array], batch: Batch, now: float
    ) -> Delivery:
        late = block.late(now)
        verdicts = np.full(len(block), Verdict.ON_TIME, np.int64)
        if late is not None:
            verdicts[late] = Verdict.LATE
            self.counts.late += int(np.count_nonzero(late))
        self._sessions.commit(block.rows, block.steps, seal(sums, verdicts), outputs)
        self.counts.ran += len(block)
        started = batch.started
        queued, computed = started - block.received, now - started
        return block.owner, BlockOutputs(
            block.handles, block.steps, outputs, late, len(batch), queued, computed
        )

    def _failed(self, slot: int, step: Step, owner: Owner, fault: Fault) -> Delivery:
        text = f"step {step.number}: {fault.message}"
        return owner, self._settler.error(slot, step, fault.fault, text)


def _verdict(step: Step, now: float) -> Verdict:
    if step.verdict is not None:
        return step.verdict
    late = is_late(step.received, step.budget, step.age, now)
    return Verdict.LATE if late else Verdict.ON_TIME


def _row_bytes(array: Array, size: int) -> list[bytes]:
    data = array.tobytes()
    return [data[start : start + size] for start in range(0, len(data), size)]


def _faults_of(result: BatchResult, first: int, count: int) -> dict[int, Fault]:
    """By entry of the block whose first row is `first`."""
    return {
        row - first: fault for row, fault in result.faults.items() if first <= row < first + count
    }
