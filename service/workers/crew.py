"""All workers as one: what the parent asks them, and what they ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from service.console.view import ModelView, Query, View
from service.core.errors import WorkerFailed
from service.metrics.ledger import Ledger
from service.metrics.text import read
from service.operations.orders import Action, Order, Outcome
from service.operations.readiness import Phase, Readiness, combined
from service.workers.control import Failed, Gone
from service.workers.messages import (
    ORDER,
    ORDERS,
    OUTCOME,
    OUTCOMES,
    QUERY,
    READINESS,
    VIEW,
    ToParent,
    ToWorker,
)
from service.workers.worker import Worker

_ANSWER_SECONDS = 2.0
_ORDER_SECONDS = 600.0
"""A load proves the model, and may take long."""


class Crew:
    """Knows each worker by its name, which a successor inherits."""

    def __init__(self, names: Iterable[str]) -> None:
        self._workers: dict[str, Worker | None] = dict.fromkeys(names)
        self._restarts = dict.fromkeys(self._workers, 0)
        self._ledger = Ledger()
        self._reading = asyncio.Lock()
        """Held while metrics are read: an older answer would look like counting anew."""
        self._counted: dict[str, tuple[ModelView, ...]] = {}
        """What each life of a worker has last told of its models."""
        self._first: set[str] = set()
        """The models that served when the service had started."""
        self._orders: dict[str, Order] = {}
        """The newest of each model since then."""
        self._ordering = asyncio.Lock()
        self.draining = False
        self.all_serve = asyncio.Event()
        """Set once every worker has served."""

    @property
    def names(self) -> list[str]:
        return list(self._workers)

    def present(self) -> list[Worker]:
        return [worker for worker in self._workers.values() if worker]

    def admit(self, worker: Worker) -> None:
        self._workers[worker.name] = worker

    def dismiss(self, worker: Worker) -> None:
        """It has ended."""
        self._workers[worker.name] = None
        self._restarts[worker.name] += not self.draining
        self._ledger.retire(worker.name)
        self._counted.pop(_life(worker), None)

    def models(self) -> list[str]:
        return next((worker.models for worker in self.present() if worker.models), [])

    def device(self) -> str:
        """What the workers say of where models run."""
        return next((worker.device for worker in self.present() if worker.device), "")

    async def answer(self, worker: Worker, kind: str, body: Any) -> Any:
        """Answers what a worker asks."""
        match ToParent(kind):
            case ToParent.JOIN:
                return ORDERS.dump_python(await self._join(worker, body), mode="json")
            case ToParent.SERVING:
                self._serves(worker, **body)
            case ToParent.FAILED:
                worker.failure = body
            case ToParent.FAN_OUT:
                outcomes = await self.fan_out(ORDER.validate_python(body))
                return OUTCOMES.dump_python(outcomes, mode="json")
        return None

    async def _join(self, worker: Worker, models: list[str]) -> list[Order]:
        """What makes the models that the worker has found on disk those of the others."""
        async with self._ordering:
            worker.joined = True
            known = {*(self._first or models), *self._orders}
            surplus = [_unload(model) for model in models if model not in known]
            return [*surplus, *self._orders.values()]

    def _serves(self, worker: Worker, models: list[str], device: str) -> None:
        worker.phase = Phase.SERVING
        worker.models, worker.device = models, device
        if all(one and one.phase is Phase.SERVING for one in self._workers.values()):
            self._first = self._first or set(models)
            self.all_serve.set()

    async def fan_out(self, order: Order) -> list[Outcome]:
        """In every worker. One that starts later carries it out before it serves."""
        async with self._ordering:
            joined = [worker for worker in self.present() if worker.joined]
            told = await asyncio.gather(*(self._order(worker, order) for worker in joined))
            outcomes = [outcome for outcome in told if outcome]
            if order.action is not Action.LIST:
                self._remember(order, outcomes)
            return outcomes

    def _remember(self, order: Order, outcomes: Iterable[Outcome]) -> None:
        """By the versions that it turned out to mean: the newest on disk may be another soon."""
        carried_out = (outcome for outcome in outcomes if not outcome.error)
        for model in (model for outcome in carried_out for model in outcome.models):
            key = f"{model.name}/{model.version}"
            self._orders.pop(key, None)
            self._orders[key] = Order(order.action, model.name, model.version)

    async def _order(self, worker: Worker, order: Order) -> Outcome | None:
        body = ORDER.dump_python(order, mode="json")
        try:
            told = await worker.ask(ToWorker.CARRY_OUT, body, within=_ORDER_SECONDS)
        except Gone:
            return None
        except (Failed, TimeoutError) as error:
            reason = str(error) or f"no answer within {_ORDER_SECONDS:g} s"
            return Outcome((), WorkerFailed.name, reason, worker=worker.name)
        return OUTCOME.validate_python(told | {"worker": worker.name})

    async def readiness(self) -> Readiness:
        each = await asyncio.gather(*map(self._readiness_of, self._workers.values()))
        return combined(dict(zip(self._workers, each, strict=True)), self.draining)

    async def _readiness_of(self, worker: Worker | None) -> Readiness:
        if worker is None or worker.phase is not Phase.SERVING:
            return Readiness(Phase.STARTING)
        try:
            told = await worker.ask(ToWorker.READINESS, within=_ANSWER_SECONDS)
        except Gone:
            return Readiness(Phase.STARTING)
        except (Failed, TimeoutError):
            return Readiness(Phase.SILENT)
        return READINESS.validate_python(told)

    async def metrics(self) -> Iterable[Metric]:
        async with self._reading:
            await asyncio.gather(*map(self._read, self.present()))
        return [*self._ledger.families(), self._restarted()]

    async def _read(self, worker: Worker) -> None:
        """What a worker that does not answer has counted before still stands."""
        if worker.phase is not Phase.SERVING:
            return
        try:
            text = await worker.ask(ToWorker.METRICS, within=_ANSWER_SECONDS)
        except (Gone, Failed, TimeoutError):
            return
        if self._workers[worker.name] is worker:
            self._ledger.update(worker.name, read(text))

    async def views(self, query: Query) -> Mapping[str, View]:
        """What the live page asks for, of each life of a worker: its streams and its outputs as
        told to this question, whatever is asked at the same time by those who may see others.
        """
        body = QUERY.dump_python(query, mode="json")
        serving = [worker for worker in self.present() if worker.phase is Phase.SERVING]
        told = await asyncio.gather(*(self._look(worker, body) for worker in serving))
        return {
            _life(worker): view
            for worker, view in zip(serving, told, strict=True)
            if self._workers[worker.name] is worker
        }

    async def _look(self, worker: Worker, body: Any) -> View:
        """What a worker that does not answer has counted before still stands."""
        try:
            told = await worker.ask(ToWorker.VIEW, body, within=_ANSWER_SECONDS)
        except (Gone, Failed, TimeoutError):
            return View(self._counted.get(_life(worker), ()))
        view = VIEW.validate_python(told)
        if self._workers[worker.name] is worker:
            self._counted[_life(worker)] = view.models
        return view

    def _restarted(self) -> Metric:
        family = CounterMetricFamily(
            "stepwire_worker_restarts",
            "Times that a worker was started again after it had died.",
            labels=("worker",),
        )
        for name, times in self._restarts.items():
            family.add_metric((name,), times)
        return family


def _life(worker: Worker) -> str:
    return f"{worker.name} ({worker.pid})"


def _unload(model: str) -> Order:
    name, _, version = model.rpartition("/")
    return Order(Action.UNLOAD, name, int(version))
