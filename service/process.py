"""One process, as those see it who watch it and give it orders."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from service.core.errors import InvalidRequest
from service.engine import Engine
from service.metrics.service import families
from service.orders import Action, FanOut, ModelState, Order, Outcome
from service.readiness import Phase, Readiness


class Process:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.phase = Phase.STARTING
        self.fan_out: FanOut = self._alone
        """Has an order carried out in every process of the service."""

    @property
    def models(self) -> list[str]:
        return [str(lane.model) for lane in self.engine.lanes()]

    async def readiness(self) -> Readiness:
        store = self.engine.readings().store
        return Readiness(self.phase, store.degraded_for if store else None)

    async def metrics(self) -> Iterable[Metric]:
        return families(self.engine.readings())

    async def carry_out(self, order: Order) -> Outcome:
        """In this process."""
        if order.action is not Action.LIST:
            return Outcome(error=InvalidRequest.name, message="models are loaded at the start")
        keys = [lane.model for lane in self.engine.lanes() if order.model in ("", lane.model.name)]
        return Outcome(tuple(ModelState(key.name, key.version) for key in keys))

    async def _alone(self, order: Order) -> list[Outcome]:
        return [await self.carry_out(order)]
