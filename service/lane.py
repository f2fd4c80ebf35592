"""A lane: one model version and the streams that run on it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from service.core.batch import Batch, BatchResult, Delivery, Fault
from service.core.errors import StepFault
from service.core.scheduler import Scheduler
from service.core.session import Sessions
from service.core.slots import Slots
from service.core.steps import Step
from service.core.streams import ModelKey, Stream
from service.repository.description import describe
from service.repository.packages import Package
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Stepper

log = logging.getLogger(__name__)

_FIRST_CAPACITY = 16


class Lane:
    def __init__(
        self, model: ModelKey, digest: str, stepper: Stepper, *, window: int, max_batch: int
    ) -> None:
        """`window`: outputs kept per stream. `max_batch`: rows of one run."""
        self.model = model
        self.digest = digest
        self.signature = stepper.signature
        self.batching = stepper.batching
        self.window = window
        self._stepper = stepper
        self.slots = Slots()
        self._sessions = Sessions(self.signature.outputs, window)
        self._scheduler = Scheduler(self.signature, self.slots, self._sessions, max_batch)
        self._capacity = 0

    @classmethod
    def load(cls, package: Package, *, window: int, max_batch: int, threads: int) -> Lane:
        """Raises ModelRefused if the package must not serve."""
        graph = Graph(package.path, threads=threads)
        found = describe(graph.facts, package.declaration)
        if found.inferred:
            log.info("%s, not made by an export: %s", package.key, found.inferred)
        stepper = proven_stepper(graph, found.signature, found.golden, found.constants)
        digest = _digest(graph.digest, package.declaration)
        return cls(package.key, digest, stepper, window=window, max_batch=max_batch)

    def start(self, stream: Stream) -> None:
        """Lends the stream a slot in its initial state."""
        stream.slot = self.slots.acquire()
        if self.slots.capacity > self._capacity:
            self._capacity = max(_FIRST_CAPACITY, 2 * self._capacity)
            self._stepper.reserve(self._capacity)
            self._sessions.reserve(self._capacity)
        self._stepper.start(stream.slot.row)
        self._sessions.start(stream.slot.row)

    def free(self, stream: Stream) -> None:
        """Takes the slot of an ended stream back."""
        assert stream.slot is not None
        self.slots.release(stream.slot)
        stream.slot = None

    def next_step(self, stream: Stream) -> int:
        assert stream.slot is not None
        return self._sessions.next_step(stream.slot.row)

    def submit(self, stream: Stream, step: Step) -> None:
        self._scheduler.submit(stream, step)

    @property
    def waiting(self) -> bool:
        return self._scheduler.waiting

    def turn(self, clock: Callable[[], float]) -> list[Delivery]:
        """Runs one batch of what waits and returns the answers."""
        batch = self._scheduler.next_batch(clock())
        result = self._run(batch)
        return self._scheduler.complete(batch, result, clock())

    def _run(self, batch: Batch) -> BatchResult:
        if not batch:
            return BatchResult(())
        try:
            return self._stepper.step(batch.slots, batch.inputs())
        except Exception as error:  # whatever the runtime raises, no state has changed
            log.error("%s: a run of %d streams failed: %s", self.model, len(batch), error)
            fault = Fault(StepFault.RUN_FAILED, f"the run failed: {error}")
            return BatchResult((), dict.fromkeys(range(len(batch)), fault))


def _digest(graph: str, declaration: Path | None) -> str:
    """What is declared changes what is computed."""
    if declaration is None:
        return graph
    return hashlib.sha256(graph.encode() + declaration.read_bytes()).hexdigest()
