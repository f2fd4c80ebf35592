"""A lane: one model version and the streams that run on it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from service.core.arrivals import Arrivals
from service.core.batch import BatchResult, Delivery, Fault
from service.core.blocks import Block
from service.core.checkpoint import Checkpoint
from service.core.committer import Committer
from service.core.counts import LaneReading, StepCounts, StreamCounts
from service.core.errors import StateUnusable, StepFault
from service.core.model import Array
from service.core.saving import Saving
from service.core.scheduler import Scheduler
from service.core.session import History, Sessions
from service.core.settler import Settler
from service.core.steps import Step
from service.core.streams import ModelKey, Stream
from service.lanes.meter import Meter
from service.lanes.run import Run
from service.lanes.tenants import Tenants
from service.runtime.batching import Batching
from service.runtime.loss import Loss
from service.runtime.stepper import Stepper
from service.runtime.telling import line

log = logging.getLogger(__name__)

_SEVERAL = "several"
"""The numerics of a stream that more than one arithmetic has made: equal to none."""


class Lane:
    def __init__(
        self,
        model: ModelKey,
        digest: str,
        stepper: Stepper,
        *,
        window: int,
        max_batch: int,
        numerics: str = "",
        metadata: Mapping[str, str] | None = None,
        loss: Loss | None = None,
    ) -> None:
        """`window`: outputs kept per stream. `max_batch`: rows of one run.

        `numerics`: the arithmetic that the stepper computes with. `metadata`: what the model
        file says of itself, for those who ask. `loss`: is told if the device is lost.
        """
        self.model = model
        self.digest = digest
        self.numerics = numerics
        self.metadata = dict(metadata or {})
        self.signature = stepper.signature
        self.batching = stepper.batching
        self.window = window
        self._stepper = stepper
        self._loss = loss or Loss()
        self._sessions = Sessions(self.signature.outputs, window)
        self._saving = Saving()
        self._meter = Meter(stepper.cost)
        self.promised_hz = 0.0
        """What its streams have declared, in timesteps a second."""
        self.onlooker: Callable[[], None] | None = None
        """Is told of every run, while someone watches streams of this lane."""
        self.counts = StepCounts()
        self.stream_counts = StreamCounts()
        settler = Settler(self.signature, self._sessions, self.counts)
        self._scheduler = Scheduler(self._sessions, settler, max_batch)
        self._arrivals = Arrivals(self.counts.jitter)
        self._committer = Committer(
            self.signature, self._sessions, settler, self._arrivals, self.counts
        )
        arrays = (stepper, self._sessions, self._saving, self._arrivals)
        self._tenants = Tenants(model, arrays, self._loss)
        self.slots = self._tenants.slots

    @property
    def step_seconds(self) -> float:
        """Of the processor, that the model takes for a timestep of one stream by itself.

        In a batch each is cheaper, but waits for all: a promise is reckoned by the lone ones.
        """
        return self._meter.step_seconds

    @property
    def spent(self) -> float:
        """Seconds of the processor that all runs took."""
        return self._meter.spent

    def declare(self, stream: Stream, rate_hz: float) -> None:
        """Changes the rate of a stream that has its slot."""
        self.promised_hz += rate_hz - stream.rate_hz
        stream.rate_hz = rate_hz

    def start(self, stream: Stream, now: float = 0.0) -> None:
        """Lends the stream a slot in its initial state. Raises TooManyStreams where its state
        finds no memory.
        """
        with self._tenants.lent(stream) as row:
            self._stepper.start(row)
        self._sessions.start(row)
        self._settle(stream, 0, now)

    def restore(self, stream: Stream, checkpoint: Checkpoint, now: float = 0.0) -> None:
        """Lends the stream a slot in a saved state.

        Raises StateUnusable, changing nothing, if the state does not fit this model, and
        TooManyStreams where it finds no memory.
        """
        history = History(checkpoint.next_step, checkpoint.outputs, checkpoint.seals)
        try:
            with self._tenants.lent(stream) as row:
                self._stepper.restore(row, checkpoint.states)
                self._sessions.restore(row, history)
        except ValueError as error:
            raise StateUnusable(
                f"the state of stream {stream.id!r} was saved under another {self.model}, with "
                "other states or outputs: serve the former file under this version again, or "
                "restart the stream"
            ) from error
        self._settle(stream, checkpoint.next_step, now)
        same = (checkpoint.digest, checkpoint.numerics) == (self.digest, self.numerics)
        stream.exact = same and self.batching is not Batching.CLOSELY

    def _settle(self, stream: Stream, step: int, now: float) -> None:
        """Of a stream that has its slot, as the store knows it at `step`."""
        row = _row(stream)
        self._arrivals.start(row)
        self._saving.start(row, step, now)
        self.promised_hz += stream.rate_hz

    def free(self, stream: Stream) -> None:
        """Takes the slot of an ended stream back."""
        self._scheduler.withdraw(stream)
        self._stepper.free(_row(stream))
        self._tenants.release(stream)
        self.promised_hz = self.promised_hz - stream.rate_hz if self.slots.held else 0.0

    def next_step(self, stream: Stream) -> int:
        return self._sessions.next_step(_row(stream))

    def next_steps(self) -> Array:
        """int64, by slot; to be read, and only at once."""
        return self._sessions.next_steps()

    def last_outputs(self, stream: Stream) -> tuple[bytes, ...]:
        """Of a stream that has run a step, its last one; per output."""
        row = _row(stream)
        return self._sessions.kept(row, self._sessions.next_step(row) - 1).outputs

    def history(self, stream: Stream) -> History:
        """The steps of the stream that are kept."""
        [history] = self._sessions.histories(np.array([_row(stream)], np.int64))
        return history

    def initial(self, holder: bytes) -> Checkpoint:
        """Of a stream before its first step."""
        states = tuple(
            np.broadcast_to(state.initial, state.input.shape).astype(state.input.dtype).tobytes()
            for state in self.signature.states
        )
        outputs = (b"",) * len(self.signature.outputs)
        return Checkpoint(self.model, self.digest, self.numerics, 0, states, outputs, (), holder)

    def checkpoints(self, streams: Sequence[Stream]) -> list[Checkpoint]:
        """Of each stream as it is."""
        rows = np.array([_row(stream) for stream in streams], np.int64)
        with self._loss.watched():
            saved = self._stepper.save(rows)
        return [
            Checkpoint(
                self.model,
                self.digest,
                self.numerics if stream.exact else _SEVERAL,
                next_step,
                states,
                outputs,
                seals,
                stream.holder,
            )
            for stream, states, (next_step, outputs, seals) in zip(
                streams, saved, self._sessions.histories(rows), strict=True
            )
        ]

    def durable_step(self, stream: Stream) -> int:
        """The steps of the stream before it are in the store."""
        return self._saving.durable_step(_row(stream))

    def touch(self, stream: Stream) -> None:
        """Has the stream saved again, though no step has run."""
        self._saving.touch(_row(stream))

    def unsaved(self, stale: float) -> list[Stream]:
        """Streams to save: those that have changed, or were saved before `stale`."""
        rows = self._saving.unsaved(self._sessions.next_steps(), stale).tolist()
        return [stream for row in rows if (stream := self.tenants[row])]

    def saved(self, stream: Stream, step: int, now: float) -> None:
        """The store has the stream as it was at `step`, taken at `now`."""
        self._saving.saved(_row(stream), step, now)

    @property
    def tenants(self) -> Sequence[Stream | None]:
        """By slot; to be read."""
        return self._tenants.by_row

    def reading(self, detached: int) -> LaneReading:
        """`detached`: how many of its streams have no connection."""
        device = self._stepper.reading()
        counts = self.counts, self.stream_counts
        return LaneReading(self.model, self.slots.held, *counts, detached, device)

    @property
    def streams(self) -> list[Stream]:
        """Those that have a slot."""
        return [stream for stream in self.tenants if stream]

    def submit(self, stream: Stream, step: Step) -> None:
        self._scheduler.submit(stream, step)

    def submit_block(self, block: Block) -> None:
        self._scheduler.submit_block(block)

    @property
    def waiting(self) -> bool:
        return self._scheduler.waiting

    def begin(self, now: float) -> Run:
        """Takes one batch of what waits. None begins before the former one is finished."""
        run = Run(self._scheduler.next_batch(now))
        if run.batch:
            try:
                run.batch.form()
                run.taken = self._stepper.take(run.batch.slots, run.batch.inputs)
                run.is_timed = self._meter.begin(len(run.batch))
            except Exception as error:  # such as want of memory: each stream is told
                run.failure = error
        return run

    def seconds(self, rows: int) -> float:
        """That a run of so many streams takes, about."""
        return self._stepper.cost.seconds(rows) if rows else 0.0

    @property
    def due(self) -> int:
        """Streams of the next batch, if all that waits is to run."""
        return self._scheduler.due

    def compute(self, run: Run) -> None:
        """In any thread. Never raises."""
        run.compute(self._stepper)

    def finish(self, run: Run, now: float) -> list[Delivery]:
        """Keeps what a computed run gave, and returns its answers.

        Streams that have left meanwhile get none, and their states stay as they were. Nobody is
        answered if the device is lost: who sends the step again has it run elsewhere.
        """
        batch = run.batch
        if not batch:
            return []
        if run.spent is not None:
            self._meter.note(len(batch), run.spent)
        absent, result = batch.absent(), run.result or self._failed(run)
        try:
            self._stepper.keep(batch.slots, result, absent)
        except Exception as error:
            run.failure = error
            result = self._failed(run)
        if run.failure and self._loss.notice(run.failure):
            return []
        answers = self._committer.commit(batch, result, absent, now)
        if self.onlooker:
            self.onlooker()
        return answers

    def _failed(self, run: Run) -> BatchResult:
        rows = len(run.batch)
        told = line(run.failure)
        reason = str(run.failure) or told
        extra = {"model": str(self.model), "error": StepFault.RUN_FAILED.name}
        log.error("%s: a run of %d streams failed: %s", self.model, rows, reason, extra=extra)
        fault = Fault(StepFault.RUN_FAILED, f"the run failed: {told}")
        return BatchResult((), faults=dict.fromkeys(range(rows), fault))


def _row(stream: Stream) -> int:
    assert stream.slot is not None
    return stream.slot.row
