"""An HTTP port for who watches the service: probes, load balancers, Prometheus, people."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from service.http.console import Console
from service.http.observed import Observed
from service.http.visitors import Visitors
from service.metrics.text import CONTENT_TYPE, written
from service.operations.readiness import Readiness
from service.startup import StartError, cannot_listen

_SHUTDOWN_SECONDS = 1.0


@asynccontextmanager
async def listening(
    address: str | None, observed: Observed, visitors: Visitors | None = None
) -> AsyncIterator[str | None]:
    """Serves on `address`, HOST:PORT, and gives it with the port that was taken; None: nowhere.
    `visitors`: of the live page; None: there is none.

    Raises StartError.
    """
    if address is None:
        yield None
        return
    host, _, port = address.rpartition(":")
    runner = web.AppRunner(
        application(observed, visitors), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        except OSError as error:
            raise StartError(cannot_listen(address)) from error
        yield f"{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def application(observed: Observed, visitors: Visitors | None = None) -> web.Application:
    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(request: web.Request) -> web.Response:
        readiness = await observed.readiness()
        told = json.dumps(readiness_json(readiness, datetime.now(UTC)))
        # Of all statuses HAProxy takes 404 for a server whose calls may end, but get no company.
        unready = 404 if request.query.get("unready") == "404" else 503
        return web.Response(
            text=told + "\n",
            status=200 if readiness.ready else unready,
            content_type="application/json",
        )

    async def metrics(_: web.Request) -> web.Response:
        text = await written(await observed.metrics())
        return web.Response(text=text, headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", healthy),
            web.get("/readyz", ready),
            web.get("/metrics", metrics),
        ]
    )
    if visitors:
        Console(observed, visitors).add_to(app)
    return app


def readiness_json(readiness: Readiness, now: datetime) -> dict[str, Any]:
    """`now`: to tell since when the store has not answered."""
    since = None
    if readiness.degraded_for is not None:
        since = (now - timedelta(seconds=readiness.degraded_for)).isoformat(timespec="seconds")
    told: dict[str, Any] = {
        "ready": readiness.ready,
        "reason": readiness.reason,
        "store": {"state": "degraded" if since else "ok", "since": since},
    }
    if readiness.device:
        told["device"] = readiness.device
    if readiness.workers:
        told["workers"] = {
            name: readiness_json(one, now) for name, one in readiness.workers.items()
        }
    return told
