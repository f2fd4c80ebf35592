"""The process: loads the models, serves until it is told to stop, and drains."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from service.access import certificates, tokens
from service.api.front import Front
from service.api.guard import Guard
from service.checkpoint.open import open_store
from service.checkpoint.store import StoreRefused
from service.core.directory import Directory
from service.engine import Engine
from service.http.server import listening
from service.http.visitors import visitors_of
from service.lanes.aside import Aside
from service.lanes.lanes import Lanes
from service.lanes.loading import Loader
from service.lanes.place import Place, notes
from service.operations.deployment import Deployment
from service.operations.process import Process
from service.operations.readiness import Phase
from service.runtime.choice import DeviceUnavailable, chosen
from service.runtime.loss import DeviceLost
from service.settings import Settings
from service.startup import StartError, announce, asked_to_stop, cannot_listen, spare_what_is_loaded
from service.traces.opening import TracesUnavailable, open_tracer
from service.traces.spans import Tracer

log = logging.getLogger(__name__)

_LEAST_PATIENCE = 1.0
"""Seconds for a store that is away, however long the connections took."""
_MOST_FOR_SPANS = 2.0
"""Seconds; who takes none in that time may be away for good."""


def load_process(settings: Settings) -> Process:
    """Loads every model package, and opens the store. Raises RepositoryError or StartError."""
    place = load_place(settings)
    loader = Loader(
        settings.repository,
        settings.window,
        settings.max_batch,
        settings.threads,
        processors=settings.processors,
        place=place,
        max_streams=settings.max_streams,
    )
    lanes = load_lanes(settings, loader)
    try:
        store = open_store(settings.store, timeout=settings.store_timeout)
    except StoreRefused as error:
        raise StartError(f"store: {error}") from error
    engine = Engine(
        lanes,
        Directory(limit=settings.max_streams, idle_limit=settings.idle_limit),
        store=store if store.durable else None,
        checkpoint_interval=settings.checkpoint_interval,
        takeover_wait=settings.takeover_wait,
        max_utilization=settings.max_utilization,
        aside=Aside(max(1, settings.processors - 1)),
    )
    return Process(engine, Deployment(lanes, engine.handover, loader), place)


def load_place(settings: Settings) -> Place:
    """Where models are to run. Raises StartError."""
    half = settings.device_memory // 2 if settings.device_memory else None
    try:
        device, why_not_cuda = chosen(
            settings.device,
            memory=half,
            fixed_rows=settings.max_batch if settings.deterministic else None,
        )
    except DeviceUnavailable as error:
        raise StartError(f"device: {error}") from error
    place = Place(device, why_not_cuda, half, settings.workers)
    log.info(place.told)
    for note in notes(place, settings.workers, settings.deterministic):
        log.warning(note)
    return place


def load_lanes(settings: Settings, loader: Loader) -> Lanes:
    """Loads every model package. Raises RepositoryError, or StartError if none may serve."""
    lanes = loader.load_all()
    if not any(lanes):
        raise StartError(
            f"no model in {settings.repository} may serve: "
            "add a package with `stepwire export TARGET --to DIR`, or name another --repository; "
            "`stepwire inspect FILE` tells what a file lacks"
        )
    return lanes


async def serve_alone(settings: Settings, process: Process) -> None:
    """Serves in this process until SIGTERM or SIGINT, then drains. Raises StartError."""
    async with listening(settings.http_listen, process, visitors_of(settings)) as http:

        async def tell(address: str) -> None:
            announce(address, process.models, http, settings.serves_console, process.place.told)

        await serve(settings, process, asked_to_stop(), tell)


async def serve(
    settings: Settings,
    process: Process,
    stop: asyncio.Event,
    opened: Callable[[str], Awaitable[None]],
) -> None:
    """Serves until `stop` is set, then drains. Raises StartError, and DeviceLost once all that
    can be done after that is done.

    `opened` is called with the address, once clients may connect.
    """
    loop = asyncio.get_running_loop()

    def abandon() -> None:
        try:
            process.abandon()
        finally:
            stop.set()

    def abandon_soon() -> None:
        loop.call_soon_threadsafe(abandon)

    process.place.loss.listen(abandon_soon)
    guard = load_guard(settings)
    tracer = load_tracer(settings)
    front = _front(settings, process, guard, tracer)
    await process.engine.measure()
    process.engine.start()
    await front.open()
    spare_what_is_loaded()
    watches = [asyncio.create_task(each) for each in (front.watch(), guard.watch())]
    process.phase = Phase.SERVING
    log.info("listening on %s:%d", settings.host, front.port)
    await opened(f"{settings.host}:{front.port}")
    await stop.wait()
    lost = process.place.loss
    process.phase = Phase.LOST if lost.reason else Phase.DRAINING
    for watch in watches:
        watch.cancel()
    await _drain(front, process.engine, tracer, settings.grace)
    if lost.reason:
        raise DeviceLost(f"{process.place.device.name} is lost: {lost.reason}")


async def _drain(front: Front, engine: Engine, tracer: Tracer | None, grace: float) -> None:
    log.info("draining for at most %g s", grace)
    deadline = time.monotonic() + grace
    await front.announce_end()
    engine.drain()
    with suppress(TimeoutError):
        await asyncio.wait_for(engine.drained(), grace)
    # Health watchers never leave by themselves; ended calls need a moment to be told.
    await front.close(min(0.2, max(0.0, deadline - time.monotonic())))
    left = deadline - time.monotonic()
    closing = [engine.close_down(max(_LEAST_PATIENCE, left))]
    if tracer:
        closing.append(tracer.close(min(_MOST_FOR_SPANS, max(0.0, left))))
    await asyncio.gather(*closing)
    log.info("stopped")


def _front(settings: Settings, process: Process, guard: Guard, tracer: Tracer | None) -> Front:
    """Raises StartError."""
    try:
        return Front(settings, process, guard, tracer)
    except certificates.CertificateError as error:
        raise StartError(str(error)) from error
    except RuntimeError as error:
        raise StartError(cannot_listen(settings.listen)) from error


def load_guard(settings: Settings) -> Guard:
    """Raises StartError."""
    if settings.tokens is None:
        return Guard()
    try:
        return Guard(tokens.watch(settings.tokens))
    except tokens.TokensError as error:
        raise StartError(str(error)) from error


def load_tracer(settings: Settings) -> Tracer | None:
    """None: no call is traced. Raises StartError."""
    if settings.otlp_endpoint is None:
        return None
    try:
        return open_tracer(settings.otlp_endpoint, settings.trace_sample)
    except TracesUnavailable as error:
        raise StartError(f"otlp_endpoint: {error}") from error
