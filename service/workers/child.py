"""A worker: `python -m service.workers.child NAME`, started by its parent only.

It reads its settings from standard input, and ends by itself when its parent is gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from typing import Any

import uvloop

from service.app import load_process, serve
from service.core.errors import ServerDraining
from service.metrics.text import written
from service.operations.orders import Order, Outcome
from service.operations.process import Process
from service.repository.packages import RepositoryError
from service.runtime.loss import DEVICE_LOST, DeviceLost
from service.settings import Settings
from service.startup import StartError, asked_to_stop, prepare
from service.workers.control import Gone, Peer
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

log = logging.getLogger(__name__)


class _Child:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: Process
        self._parent: Peer

    async def work(self, control: socket.socket) -> int:
        """Serves until the parent says stop or is gone, or the device is lost; the exit code."""
        self._parent = await Peer.on(control, self._answer)
        hearing = asyncio.create_task(self._parent.listen())
        try:
            self._process = load_process(self._settings)
            self._process.fan_out = self._fan_out
            await self._join()
            stop = asked_to_stop()
            hearing.add_done_callback(lambda _: stop.set())
            await serve(self._settings, self._process, stop, self._opened)
        except (RepositoryError, StartError) as error:
            await self._parent.ask(ToParent.FAILED, str(error))
            return 2
        except DeviceLost as error:
            log.error("%s", error)
            return DEVICE_LOST
        return 0

    async def _join(self) -> None:
        """Has the models that the other workers have, whatever lies on disk by now."""
        orders = await self._parent.ask(ToParent.JOIN, self._process.models)
        for order in ORDERS.validate_python(orders):
            outcome = await self._process.carry_out(order)
            if outcome.error:
                model = f"{order.model}/{order.version}"
                extra = {"model": model, "error": outcome.error}
                log.error("%s of %s: %s", order.action, model, outcome.message, extra=extra)

    async def _opened(self, _: str) -> None:
        up = {"models": self._process.models, "device": self._process.place.told}
        await self._parent.ask(ToParent.SERVING, up)

    async def _fan_out(self, order: Order) -> list[Outcome]:
        body = ORDER.dump_python(order, mode="json")
        try:
            return OUTCOMES.validate_python(await self._parent.ask(ToParent.FAN_OUT, body))
        except Gone as error:
            raise ServerDraining("this server is stopping: try again in a moment") from error

    async def _answer(self, kind: str, body: Any) -> Any:
        """Answers the parent, which asks only who has joined."""
        match ToWorker(kind):
            case ToWorker.READINESS:
                return READINESS.dump_python(await self._process.readiness(), mode="json")
            case ToWorker.METRICS:
                return await written(await self._process.metrics())
            case ToWorker.VIEW:
                [view] = (await self._process.views(QUERY.validate_python(body))).values()
                return VIEW.dump_python(view, mode="json")
            case ToWorker.CARRY_OUT:
                outcome = await self._process.carry_out(ORDER.validate_python(body))
                return OUTCOME.dump_python(outcome, mode="json")


def main(name: str) -> int:
    begin = json.load(sys.stdin)
    settings = Settings.model_validate(begin["settings"])
    prepare(settings.log_level, settings.log_format, name)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_Child(settings).work(socket.socket(fileno=begin["control"])))
    except Gone:
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
