"""A scheduler and the committer of what it has run, without a model."""

from __future__ import annotations

import numpy as np

from service.core.arrivals import Arrivals
from service.core.batch import Batch, BatchResult, Delivery, Fault
from service.core.committer import Committer
from service.core.counts import StepCounts
from service.core.lateness import LatePolicy, Verdict
from service.core.scheduler import Scheduler
from service.core.session import Sessions
from service.core.settler import Settler
from service.core.slots import Slots
from service.core.steps import Step
from service.core.streams import Stream, StreamKey
from service.runtime.accumulator import accumulator_signature
from tests.fakes import MODEL, TOKEN, Connection, number

WINDOW = 3


class Bench:
    """A scheduler with streams; a run answers each row with twice its input."""

    def __init__(self, max_batch: int = 8) -> None:
        signature = accumulator_signature()
        self.slots = Slots()
        self.sessions = Sessions(signature.outputs, WINDOW)
        self.counts = StepCounts()
        settler = Settler(signature, self.sessions, self.counts)
        self.scheduler = Scheduler(self.sessions, settler, max_batch)
        self.arrivals = Arrivals(self.counts.jitter)
        self.committer = Committer(signature, self.sessions, settler, self.arrivals, self.counts)

    def stream(self, policy: LatePolicy = LatePolicy.FLAG) -> tuple[Stream, Connection]:
        owner, slot = Connection(), self.slots.acquire()
        for arrays in (self.sessions, self.arrivals):
            arrays.reserve(self.slots.capacity)
        key = StreamKey("", f"s{slot.row}")
        return Stream(key, TOKEN, MODEL, policy, owner, slot=slot), owner

    def run(self, batch: Batch, now: float = 0.0, faults: dict[int, Fault] | None = None) -> None:
        batch.form()
        ran = self._ran(batch, now, faults or {}) if batch else []
        for owner, answer in batch.settled + ran:
            owner.answer(answer)

    def _ran(self, batch: Batch, now: float, faults: dict[int, Fault]) -> list[Delivery]:
        outputs = 2 * np.frombuffer(batch.inputs[0], np.float32).reshape(-1, 1)
        result = BatchResult([outputs], faults=faults)
        return self.committer.commit(batch, result, batch.absent(), now)

    def turn(self, now: float = 0.0) -> Batch:
        batch = self.scheduler.next_batch(now)
        self.run(batch, now)
        return batch


def step(
    count: int,
    x: float = 1.0,
    *,
    received: float = 0.0,
    budget: float | None = None,
    age: float = 0.0,
    verdict: Verdict | None = None,
) -> Step:
    return Step(count, (number(x),), received, budget, age, verdict)
