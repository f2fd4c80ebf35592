"""Workers that answer what a test says."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from service.core.counts import LaneReading, StepCounts
from service.core.streams import ModelKey
from service.metrics.service import families
from service.metrics.text import written
from service.operations.orders import ModelState, Order, Outcome
from service.operations.readiness import Phase, Readiness
from service.workers.crew import Crew
from service.workers.messages import ORDER, ORDERS, OUTCOME, READINESS
from service.workers.worker import Worker
from tests.unit.service.metrics.made import readings


class Scripted(Worker):
    """Answers what a test says, or raises it."""

    def __init__(self, name: str, **says: Any) -> None:
        super().__init__(name, Mock())
        self.says = says
        self.orders: list[Order] = []

    async def ask(self, kind: str, body: Any = None, *, within: float) -> Any:
        if kind == "carry_out":
            self.orders.append(ORDER.validate_python(body))
        said = self.says[kind]
        if isinstance(said, Exception):
            raise said
        return said


def ready(phase: Phase = Phase.SERVING, degraded_for: float | None = None) -> Any:
    return READINESS.dump_python(Readiness(phase, degraded_for), mode="json")


async def ran(steps: int) -> str:
    lane = LaneReading(ModelKey("gru", 3), 1, StepCounts(ran=steps))
    return await written(families(readings(lanes=(lane,))))


def done(error: str = "", name: str = "gru") -> Any:
    outcome = Outcome((ModelState(name, 3),), error)
    return OUTCOME.dump_python(outcome, mode="json")


async def serving(crew: Crew, name: str, **says: Any) -> Scripted:
    """A worker that has come up."""
    worker = Scripted(name, **says)
    crew.admit(worker)
    await crew.answer(worker, "join", ["gru/3"])
    await crew.answer(worker, "serving", {"models": ["gru/3"], "device": ""})
    return worker


async def joined(crew: Crew, name: str, models: tuple[str, ...] = ("gru/3",)) -> list[Order]:
    """The orders that a worker which comes up later carries out first."""
    worker = Scripted(name)
    crew.admit(worker)
    return ORDERS.validate_python(await crew.answer(worker, "join", list(models)))
