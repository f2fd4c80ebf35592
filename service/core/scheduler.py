"""The scheduler of one model version: which steps run together, and what each is answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from service.core.batch import Batch, BatchResult, Delivery, Entry
from service.core.counts import StepCounts
from service.core.errors import StepFault
from service.core.lateness import LatePolicy, Verdict, is_late
from service.core.model import Array, Signature
from service.core.session import Judgement, Sessions
from service.core.slots import Slots
from service.core.steps import Answer, Output, Step, StepError
from service.core.streams import Stream


class Scheduler:
    def __init__(
        self, signature: Signature, slots: Slots, sessions: Sessions, max_batch: int
    ) -> None:
        self._sizes = tuple(spec.nbytes for spec in signature.inputs)
        self._expects = ", ".join(f"{spec} ({spec.nbytes} bytes)" for spec in signature.inputs)
        self._output_sizes = tuple(spec.nbytes for spec in signature.outputs)
        self._slots = slots
        self._sessions = sessions
        self._max_batch = max_batch
        self._waiting: deque[Stream] = deque()
        self.counts = StepCounts()

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

    def withdraw(self, stream: Stream) -> None:
        """The stream leaves: it may come to wait at another scheduler."""
        if stream.waiting:
            self._waiting.remove(stream)
            stream.waiting = False

    def next_batch(self, now: float) -> Batch:
        """The oldest step of each waiting stream, up to the batch limit."""
        batch = Batch(started=now)
        again = []
        while self._waiting and len(batch.entries) < self._max_batch:
            stream = self._waiting.popleft()
            self._take_from(stream, batch)
            stream.waiting = bool(stream.pending)
            if stream.waiting:
                again.append(stream)
        self._waiting.extend(again)
        return batch

    def _take_from(self, stream: Stream, batch: Batch) -> None:
        while stream.pending:
            step = stream.pending.popleft()
            assert stream.slot is not None and stream.owner is not None
            answer = self._settle(stream, stream.slot.row, step, batch.started)
            if answer is None:
                batch.entries.append(Entry(step, stream.slot, stream.owner))
                return
            batch.settled.append((stream.owner, answer))

    def _settle(self, stream: Stream, slot: int, step: Step, now: float) -> Answer | None:
        """The answer to a step that is not to run now, else None."""
        judgement = self._sessions.judge(slot, step.number, step.checksum)
        if judgement is Judgement.REPLAY:
            return self._replay(slot, step)
        if judgement is not Judgement.RUN:
            return self._refuse(slot, step, judgement)
        if tuple(map(len, step.inputs)) != self._sizes:
            return self._malformed(slot, step)
        return self._hold_or_reject(stream, slot, step, now)

    def _replay(self, slot: int, step: Step) -> Output:
        kept = self._sessions.kept(slot, step.number)
        self.counts.replays += 1
        return Output(step.number, kept.outputs, kept.verdict)

    def _refuse(self, slot: int, step: Step, judgement: Judgement) -> StepError:
        expected = self._sessions.next_step(slot)
        if judgement is Judgement.GAP:
            fault, message = StepFault.STEP_GAP, f"step {step.number} is ahead of the stream"
        elif judgement is Judgement.CONFLICT:
            fault = StepFault.STEP_CONFLICT
            message = f"step {step.number} has already run, with other inputs"
        else:
            fault = StepFault.STEP_TOO_OLD
            message = (
                f"step {step.number} has already run, and only the last "
                f"{self._sessions.window} outputs are kept"
            )
        return self._error(slot, step, fault, f"{message}: send step {expected}")

    def _malformed(self, slot: int, step: Step) -> StepError:
        got = ", ".join(f"{len(tensor)} bytes" for tensor in step.inputs) or "nothing"
        message = f"step {step.number} expects {self._expects}; got {got}"
        return self._error(slot, step, StepFault.INVALID_INPUT, message)

    def _hold_or_reject(self, stream: Stream, slot: int, step: Step, now: float) -> Answer | None:
        if step.verdict is not None:
            held = step.verdict is Verdict.HELD
        elif not is_late(step.received, step.budget, step.age, now):
            return None
        elif stream.late_policy is LatePolicy.REJECT:
            spent = now - step.received + step.age
            message = f"step {step.number} was late by {spent - (step.budget or 0):.6f} s"
            return self._error(slot, step, StepFault.STEP_LATE, message)
        else:
            held = stream.late_policy is LatePolicy.HOLD
        if not held or not self._sessions.can_hold(slot):
            return None
        kept = self._sessions.hold(slot, step.checksum)
        self.counts.held += 1
        return Output(step.number, kept.outputs, kept.verdict, queued=now - step.received)

    def _error(self, slot: int, step: Step, fault: StepFault, message: str) -> StepError:
        self.counts.faults[fault] += 1
        return StepError(step.number, fault, message, self._sessions.next_step(slot))

    def complete(self, batch: Batch, result: BatchResult, now: float) -> list[Delivery]:
        """Commits what ran and returns every answer of the batch, in order for each stream.

        The result of a slot that was given back while the batch ran is dropped.
        """
        deliveries = batch.settled
        self._count_run(batch, now)
        rows = self._rows_to_commit(batch, result)
        if rows:
            deliveries += self._commit(batch, result.outputs, rows, now)
        for row, (fault, message) in result.faults.items():
            step, slot, owner = batch.entries[row]
            text = f"step {step.number}: {message}"
            deliveries.append((owner, self._error(slot.row, step, fault, text)))
        return deliveries

    def _count_run(self, batch: Batch, now: float) -> None:
        if not batch:
            return
        counts = self.counts
        counts.batches += 1
        counts.computed += now - batch.started
        counts.queued += sum(batch.started - entry.step.received for entry in batch.entries)

    def _rows_to_commit(self, batch: Batch, result: BatchResult) -> list[int]:
        holds, faults = self._slots.holds, result.faults
        return [
            row
            for row, entry in enumerate(batch.entries)
            if row not in faults and holds(entry.slot)
        ]

    def _commit(
        self, batch: Batch, outputs: Sequence[Array], rows: list[int], now: float
    ) -> list[Delivery]:
        entries, slots, steps = batch.entries, batch.slots, batch.steps
        if len(rows) < len(entries):
            entries, slots, steps = [entries[row] for row in rows], slots[rows], steps[rows]
            outputs = [array[rows] for array in outputs]
        verdicts = [_verdict(entry.step, now) for entry in entries]
        checksums = [entry.step.checksum for entry in entries]
        self._sessions.commit(slots, steps, checksums, verdicts, outputs)
        self.counts.ran += len(entries)
        self.counts.late += verdicts.count(Verdict.LATE)

        encoded = zip(*map(_row_bytes, outputs, self._output_sizes), strict=True)
        size, started, computed = len(batch), batch.started, now - batch.started
        return [
            (
                owner,
                Output(step.number, row, verdict, size, started - step.received, computed),
            )
            for (step, _, owner), row, verdict in zip(entries, encoded, verdicts, strict=True)
        ]


def _verdict(step: Step, now: float) -> Verdict:
    if step.verdict is not None:
        return step.verdict
    late = is_late(step.received, step.budget, step.age, now)
    return Verdict.LATE if late else Verdict.ON_TIME


def _row_bytes(array: Array, size: int) -> list[bytes]:
    data = array.tobytes()
    return [data[start : start + size] for start in range(0, len(data), size)]
