"""One process, as those see it who watch it and give it orders."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from prometheus_client.metrics_core import Metric

from service.console.view import Query, View
from service.console.watcher import Watcher
from service.core.errors import ServerDraining
from service.engine import Engine
from service.lanes.place import Place
from service.metrics.service import families
from service.operations.deployment import Deployment
from service.operations.orders import FanOut, Order, Outcome
from service.operations.readiness import Phase, Readiness
from service.runtime.loss import GOES_ON

log = logging.getLogger(__name__)


class Process:
    def __init__(
        self,
        engine: Engine,
        deployment: Deployment,
        place: Place | None = None,
    ) -> None:
        """`place`: where the models run; None: on the CPU."""
        self.place = place or Place()
        self.engine = engine
        self.deployment = deployment
        self.phase = Phase.STARTING
        self.fan_out: FanOut = self._alone
        """Has an order carried out in every process of the service."""
        self._watcher = Watcher(engine)

    def abandon(self) -> None:
        """Has nothing more to do with its device, which is lost."""
        self.phase = Phase.LOST
        log.error("%s is lost: %s", self.place.device.name, self.place.loss.reason)
        self.engine.abandon(ServerDraining(GOES_ON))

    @property
    def models(self) -> list[str]:
        return [str(lane.model) for lane in self.engine.lanes()]

    async def readiness(self) -> Readiness:
        store = self.engine.readings().store
        degraded_for = store.degraded_for if store else None
        return Readiness(self.phase, degraded_for, device=self.place.device.name)

    async def metrics(self) -> Iterable[Metric]:
        return families(self.engine.readings(), self.place.device.name)

    async def views(self, query: Query) -> Mapping[str, View]:
        """What the live page asks for; by process, of which there is one."""
        return {"": await self._watcher.view(query)}

    async def carry_out(self, order: Order) -> Outcome:
        """In this process."""
        return await self.deployment.carry_out(order)

    async def _alone(self, order: Order) -> list[Outcome]:
        return [await self.carry_out(order)]
