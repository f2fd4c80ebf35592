"""The committer of one model version: what becomes of the steps of a batch that has run."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

import numpy as np

from service.core.arrivals import Arrivals
from service.core.batch import Batch, BatchResult, Delivery, Entry
from service.core.blocks import Block, BlockOutputs
from service.core.counts import StepCounts
from service.core.lateness import Verdict, is_late
from service.core.model import Array, Signature
from service.core.session import Sessions, seal
from service.core.settler import Settler
from service.core.slots import Index, as_numbers
from service.core.steps import Output, Step

_MANY = 16
"""Steps from which on arrays count faster than a loop."""


class Committer:
    def __init__(
        self,
        signature: Signature,
        sessions: Sessions,
        settler: Settler,
        arrivals: Arrivals,
        counts: StepCounts,
    ) -> None:
        self._sizes = tuple(spec.nbytes for spec in signature.outputs)
        self._sessions = sessions
        self._settler = settler
        self._arrivals = arrivals
        self._counts = counts

    def commit(
        self, batch: Batch, result: BatchResult, absent: Set[int], now: float
    ) -> list[Delivery]:
        """Commits what ran and returns its answers; of `absent` rows nothing is kept or told."""
        self._count_run(batch, now)
        deliveries = self._failures(batch, result, absent)
        dropped = result.faults.keys() | absent
        if batch.sums is None:
            return deliveries if dropped else [self._commit_lone(batch, result.outputs, now)]
        first = len(batch.entries)
        if rows := _ran(0, first, dropped):
            part = _Part(rows, result.outputs, batch.sums)
            deliveries += self._commit_entries(batch, part, now)
        for block in batch.blocks:
            if rows := _ran(first, len(block), dropped):
                part = _Part(rows, result.outputs, batch.sums)
                ran = block if isinstance(rows, slice) else block.part(np.array(rows) - first)
                deliveries.append(self._commit_block(ran, batch, part, now))
            first += len(block)
        return deliveries

    def _count_run(self, batch: Batch, now: float) -> None:
        rows = len(batch)
        counts, spent = self._counts, now - batch.started
        counts.sizes[rows] += 1
        counts.seconds[rows] += spent
        counts.compute.add(spent)
        counts.last = now

    def _commit_lone(self, batch: Batch, outputs: Sequence[Array], now: float) -> Delivery:
        """What `_commit_entries` does, without arrays of one number."""
        ((step, _, slot, owner),) = batch.entries
        verdict = _verdict(step, now)
        self._sessions.commit(batch.slots, step.number, seal(step.checksum, verdict), outputs)
        self._counts.ran += 1
        self._counts.late += verdict is Verdict.LATE
        rows = tuple([array.tobytes() for array in outputs])
        started, received = batch.started, step.received
        self._counts.queue.add(started - received)
        self._arrivals.add(slot.row, received)
        output = Output(step.number, rows, verdict, 1, started - received, now - started, now)
        return owner, output

    def _commit_entries(self, batch: Batch, part: _Part, now: float) -> list[Delivery]:
        entries, slots = batch.entries, batch.slots
        if not isinstance(part.rows, slice):
            entries = [entries[row] for row in part.rows]
        if len(entries) < len(batch):
            slots = as_numbers(slots)[part.rows]
        outputs = [array[part.rows] for array in part.outputs]
        steps = [entry.step for entry in entries]
        verdicts = [_verdict(step, now) for step in steps]
        seals = seal(part.sums[part.rows], _one_for_all(verdicts))
        self._sessions.commit(slots, _one_for_all([step.number for step in steps]), seals, outputs)
        self._counts.ran += len(entries)
        self._counts.late += verdicts.count(Verdict.LATE)
        self._count_arrivals(entries, slots, batch.started)

        encoded = zip(*map(_row_bytes, outputs, self._sizes), strict=True)
        size, started, computed = len(batch), batch.started, now - batch.started
        return [
            (
                owner,
                Output(step.number, row, verdict, size, started - step.received, computed, now),
            )
            for (step, _, _, owner), row, verdict in zip(entries, encoded, verdicts, strict=True)
        ]

    def _count_arrivals(self, entries: Sequence[Entry], slots: Index, started: float) -> None:
        if len(entries) < _MANY:
            for step, _, slot, _ in entries:
                self._counts.queue.add(started - step.received)
                self._arrivals.add(slot.row, step.received)
            return
        received = np.array([entry.step.received for entry in entries])
        self._counts.queue.add_each(started - received)
        self._arrivals.add_each(slots, received)

    def _commit_block(self, block: Block, batch: Batch, part: _Part, now: float) -> Delivery:
        outputs = [array[part.rows] for array in part.outputs]
        sums, late = part.sums[part.rows], block.late(now)
        if late is None:
            seals = seal(sums, Verdict.ON_TIME)
        else:
            seals = seal(sums, np.where(late, Verdict.LATE, Verdict.ON_TIME))
            self._counts.late += int(np.count_nonzero(late))
        self._sessions.commit(block.rows, _uniform(block.steps), seals, outputs)
        queued, computed = batch.started - block.received, now - batch.started
        self._counts.ran += len(block)
        self._counts.queue.repeat(queued, len(block))
        self._arrivals.add_each(block.rows, block.received)
        return block.owner, BlockOutputs(
            block.handles, block.steps, outputs, late, len(batch), queued, computed, now
        )

    def _failures(self, batch: Batch, result: BatchResult, absent: Set[int]) -> list[Delivery]:
        failures: list[Delivery] = []
        for row, (fault, message) in result.faults.items():
            if row not in absent:
                step, stream = batch.at(row)
                assert stream.slot is not None and stream.owner is not None
                text = f"step {step.number}: {message}"
                error = self._settler.error(stream.slot.row, step, fault, text)
                failures.append((stream.owner, error))
        return failures


class _Part(NamedTuple):
    """Some of a batch."""

    rows: slice | list[int]
    outputs: Sequence[Array]
    """Of the whole batch."""
    sums: Array
    """Of the inputs of the whole batch."""


def _ran(first: int, count: int, dropped: Set[int]) -> slice | list[int] | None:
    """Of so many rows, those that are not dropped. None: there are none."""
    if not dropped:
        return slice(first, first + count) if count else None
    return [row for row in range(first, first + count) if row not in dropped]


def _one_for_all(numbers: Sequence[int]) -> int | Array:
    """One number, where they are equal."""
    first = numbers[0]
    return first if numbers.count(first) == len(numbers) else np.array(numbers, np.int64)


def _uniform(numbers: Array) -> int | Array:
    """One number, where they are equal; int64 [rows] otherwise."""
    first: int = numbers.item(0)
    return first if (numbers == first).all() else numbers


def _verdict(step: Step, now: float) -> Verdict:
    if step.budget is None and step.verdict is None:
        return Verdict.ON_TIME
    if step.verdict is not None:
        return step.verdict
    late = is_late(step.received, step.budget, step.age, now)
    return Verdict.LATE if late else Verdict.ON_TIME


def _row_bytes(array: Array, size: int) -> list[bytes]:
    data = array.tobytes()
    return [data[start : start + size] for start in range(0, len(data), size)]
