"""The process: loads the models, serves until it is told to stop, and drains."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from service.access import certificates, tokens
from service.api.guard import Gate, Guard
from service.api.native import StreamInference
from service.api.tls import server_credentials
from service.checkpoint.open import open_store
from service.checkpoint.store import StoreRefused
from service.core.directory import Directory
from service.core.errors import ModelRefused
from service.core.streams import ModelKey
from service.engine import Engine
from service.http.server import listening
from service.lane import Lane
from service.lanes import Lanes
from service.process import Process
from service.readiness import Phase
from service.repository.packages import scan
from service.settings import Settings
from service.startup import StartError, announce, asked_to_stop, cannot_listen
from stepwire.v1 import stream_pb2, stream_pb2_grpc

log = logging.getLogger(__name__)

NATIVE = stream_pb2.DESCRIPTOR.services_by_name["StreamInference"].full_name


def load_engine(settings: Settings) -> Engine:
    """Loads every model package, and opens the store. Raises RepositoryError or StartError."""
    lanes = load_lanes(settings)
    try:
        store = open_store(settings.store, timeout=settings.store_timeout)
    except StoreRefused as error:
        raise StartError(f"store: {error}") from error
    return Engine(
        lanes,
        Directory(limit=settings.max_streams, idle_limit=settings.idle_limit),
        store=store if store.durable else None,
        checkpoint_interval=settings.checkpoint_interval,
        takeover_wait=settings.takeover_wait,
    )


def load_lanes(settings: Settings) -> Lanes:
    """Loads every model package. Raises RepositoryError, or StartError if none may serve."""
    lanes: dict[ModelKey, Lane] = {}
    refused: dict[ModelKey, str] = {}
    for package in scan(settings.repository):
        started = time.perf_counter()
        try:
            lanes[package.key] = Lane.load(
                package,
                window=settings.window,
                max_batch=settings.max_batch,
                threads=settings.threads,
            )
        except (ModelRefused, MemoryError, RecursionError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            refused[package.key] = reason
            log.error("refused %s: %s", package.key, reason)
        else:
            log.info("loaded %s in %.2f s", package.key, time.perf_counter() - started)
    if not lanes:
        raise StartError(
            f"no model in {settings.repository} may serve: "
            "add a package with `stepwire export TARGET --to DIR`, or name another --repository; "
            "`stepwire inspect FILE` tells what a file lacks"
        )
    return Lanes(lanes, refused)


async def serve_alone(settings: Settings, process: Process) -> None:
    """Serves in this process until SIGTERM or SIGINT, then drains. Raises StartError."""
    async with listening(settings.http_listen, process) as http:

        async def tell(address: str) -> None:
            announce(address, process.models, http)

        await serve(settings, process, asked_to_stop(), tell)


async def serve(
    settings: Settings,
    process: Process,
    stop: asyncio.Event,
    opened: Callable[[str], Awaitable[None]],
) -> None:
    """Serves until `stop` is set, then drains. Raises StartError.

    `opened` is called with the address, once clients may connect.
    """
    guard = load_guard(settings)
    server, checks = _server(settings, process.engine, guard)
    port = _listen(server, settings)
    await checks.set(NATIVE, health_pb2.HealthCheckResponse.SERVING)
    process.engine.start()
    await server.start()
    watch = asyncio.create_task(guard.watch())
    process.phase = Phase.SERVING
    await opened(f"{settings.host}:{port}")
    await stop.wait()
    process.phase = Phase.DRAINING
    await _drain(server, checks, process.engine, settings.grace)
    watch.cancel()


async def _drain(
    server: grpc.aio.Server, checks: health.aio.HealthServicer, engine: Engine, grace: float
) -> None:
    log.info("draining for at most %g s", grace)
    deadline = time.monotonic() + grace
    await checks.enter_graceful_shutdown()
    engine.drain()
    with suppress(TimeoutError):
        await asyncio.wait_for(engine.drained(), grace)
    # Health watchers never leave by themselves; ended calls need a moment to be told.
    await server.stop(min(0.2, max(0.0, deadline - time.monotonic())))
    await engine.close_down()
    log.info("stopped")


def load_guard(settings: Settings) -> Guard:
    """Raises StartError."""
    if settings.tokens is None:
        return Guard()
    try:
        return Guard(tokens.watch(settings.tokens))
    except tokens.TokensError as error:
        raise StartError(str(error)) from error


def _listen(server: grpc.aio.Server, settings: Settings) -> int:
    """The port. Raises StartError."""
    try:
        if settings.tls_cert and settings.tls_key:
            files = certificates.watch(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
            return server.add_secure_port(settings.listen, server_credentials(files))
        return server.add_insecure_port(settings.listen)
    except certificates.CertificateError as error:
        raise StartError(str(error)) from error
    except RuntimeError as error:
        raise StartError(cannot_listen(settings.listen)) from error


def _server(
    settings: Settings, engine: Engine, guard: Guard
) -> tuple[grpc.aio.Server, health.aio.HealthServicer]:
    server = grpc.aio.server(interceptors=[Gate(guard)], options=_options(settings))
    stream_pb2_grpc.add_StreamInferenceServicer_to_server(StreamInference(engine, guard), server)
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    names = (NATIVE, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    return server, checks


def _options(settings: Settings) -> list[tuple[str, int]]:
    keepalive = round(settings.keepalive * 1000)
    timeout = round(settings.keepalive_timeout * 1000)
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.keepalive_time_ms", keepalive),
        ("grpc.keepalive_timeout_ms", timeout),
        # A probe waits for gRPC's own bandwidth probe, which has a minute by default.
        ("grpc.http2.ping_timeout_ms", timeout),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", keepalive // 2),
        # Clients probe too, this project's every 10 s; gRPC would take that for abuse.
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
        # Two services on one port would share its connections at random, as workers do.
        ("grpc.so_reuseport", int(settings.workers > 1)),
    ]
