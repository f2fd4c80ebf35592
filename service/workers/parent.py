"""The parent: keeps its workers alive, and serves nothing but their health and metrics."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from contextlib import suppress

from service.http.server import listening
from service.http.visitors import visitors_of
from service.settings import Settings
from service.startup import StartError, announce, asked_to_stop
from service.workers.crew import Crew
from service.workers.port import reserved
from service.workers.restarts import Restarts
from service.workers.worker import launch

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
"""Beyond the grace, before a worker that does not end is killed."""


async def supervise(settings: Settings) -> None:
    """Serves with many workers until SIGTERM or SIGINT, then drains them. Raises StartError."""
    crew = Crew(str(number) for number in range(1, settings.workers + 1))
    with reserved(settings.listen) as address:
        mine = {"http_listen": None, "console": "off"}
        shared = settings.model_copy(update={"listen": address, **mine})
        async with listening(settings.http_listen, crew, visitors_of(settings)) as http:
            await Supervisor(crew, shared, asked_to_stop()).run(http, settings.serves_console)
    log.info("stopped")


class Supervisor:
    def __init__(self, crew: Crew, settings: Settings, stop: asyncio.Event) -> None:
        """`settings`: of each worker."""
        self._crew = crew
        self._settings = settings
        self._stop = stop
        self._failure = ""

    async def run(self, http: str | None, page: bool = False) -> None:
        """`http`: the parent's port; `page`: whether it has the live page.

        Raises StartError if a worker cannot start before all have served.
        """
        async with asyncio.TaskGroup() as tasks:
            for name in self._crew.names:
                tasks.create_task(self._keep(name))
            announcing = tasks.create_task(self._announce(http, page))
            await self._stop.wait()
            announcing.cancel()
            overdue = self._drain()
        overdue.cancel()
        if self._failure:
            raise StartError(self._failure)

    async def _announce(self, http: str | None, page: bool) -> None:
        await self._crew.all_serve.wait()
        crew = self._crew
        announce(self._settings.listen, crew.models(), http, page, crew.device())

    async def _keep(self, name: str) -> None:
        """Starts the worker again whenever it has ended, until the service stops."""
        restarts = Restarts()
        while not self._stop.is_set():
            started = time.monotonic()
            how = await self._live(name)
            restarts = restarts.after(time.monotonic() - started)
            if not self._stop.is_set():
                again = f"again in {restarts.delay:g} s" if restarts.delay else "again at once"
                log.error("worker %s %s; %s", name, how, again)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), restarts.delay)

    async def _live(self, name: str) -> str:
        """One life of a worker; how it ended."""
        try:
            worker = await launch(name, self._settings, self._crew.answer)
        except OSError as error:
            return f"did not start: {error}"
        self._crew.admit(worker)
        log.info("worker %s is process %d", name, worker.pid)
        if self._stop.is_set():
            worker.terminate()
        code = await worker.ended()
        self._crew.dismiss(worker)
        how = _told(code)
        if code >= 0 and not self._crew.all_serve.is_set() and not self._stop.is_set():
            self._failure = worker.failure or f"worker {name} {how} before it served"
            self._stop.set()
        return f"{how}: {worker.failure}" if worker.failure else how

    def _drain(self) -> asyncio.TimerHandle:
        """Has the workers end by themselves; the time of those that do not is limited."""
        self._crew.draining = True
        for worker in self._crew.present():
            worker.terminate()
        patience = self._settings.grace + PATIENCE_SECONDS
        return asyncio.get_running_loop().call_later(patience, self._kill)

    def _kill(self) -> None:
        for worker in self._crew.present():
            log.error("worker %s does not end: killed", worker.name)
            worker.kill()


def _told(code: int) -> str:
    """How a process has ended."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
