"""The gRPC server of a process: its services, its port, and who takes its place if it falls."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from service.access import certificates
from service.api.fleet_messages import serialized
from service.api.guard import Gate, Guard
from service.api.inference.config import Limits
from service.api.inference.servicer import InferenceService
from service.api.native import StreamInference
from service.api.orders import Orders
from service.api.repository import ModelRepository
from service.api.state import StreamState
from service.api.tls import server_credentials
from service.api.tracing import Tracing
from service.api.unary import Reader
from service.operations.process import Process
from service.sequences.sequences import Sequences
from service.settings import Settings
from service.traces.spans import Tracer
from stepwire.inference import inference_pb2, inference_pb2_grpc
from stepwire.v1 import (
    repository_pb2,
    repository_pb2_grpc,
    state_pb2,
    state_pb2_grpc,
    stream_pb2,
    stream_pb2_grpc,
)

log = logging.getLogger(__name__)

NATIVE = stream_pb2.DESCRIPTOR.services_by_name["StreamInference"].full_name
STATE = state_pb2.DESCRIPTOR.services_by_name["StreamState"].full_name
REPOSITORY = repository_pb2.DESCRIPTOR.services_by_name["ModelRepository"].full_name
INFERENCE = inference_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name
_TRACED = (NATIVE, STATE, REPOSITORY, INFERENCE)

_LOOKS_EVERY = 0.05
"""Seconds between two looks at whether the server still takes calls."""
_FOR_EVER = 10 * 365 * 86_400.0


class Front:
    """Takes calls on one port.

    A request whose path is not UTF-8 ends grpc.aio's loop that takes calls, and with it the
    port (grpcio 1.85). `watch` sees that, and a successor listens in its place; the calls that
    are open go on at the fallen server.
    """

    def __init__(
        self, settings: Settings, process: Process, guard: Guard, tracer: Tracer | None = None
    ) -> None:
        self._settings = settings
        self._tracer = tracer
        self._process = process
        self._guard = guard
        self._sequences = Sequences(process.engine, settings.sequence_idle, settings.max_streams)
        self._checks = health.aio.HealthServicer()
        self._fallen: dict[grpc.aio.Server, asyncio.Task[None]] = {}
        self._credentials = _credentials(settings)
        self._server = self._made()
        self.port = self._listen(self._server, settings.listen)

    def _made(self) -> grpc.aio.Server:
        traced = [Tracing(self._tracer, _TRACED)] if self._tracer else []
        server = grpc.aio.server(
            interceptors=[Gate(self._guard), *traced, Reader()], options=_options(self._settings)
        )
        services: Any = _Unregistered(server)
        native = StreamInference(self._process.engine, self._guard)
        deployment, swap = self._process.deployment, self._settings.swap
        orders = Orders(deployment, self._process.fan_out, self._guard)
        inference = InferenceService(
            self._process, self._sequences, orders, self._guard, _limits(self._settings), swap
        )
        server.add_generic_rpc_handlers(_in_bytes(native, inference))
        stream_pb2_grpc.add_StreamInferenceServicer_to_server(native, services)
        state = StreamState(self._process.engine.states, self._guard)
        state_pb2_grpc.add_StreamStateServicer_to_server(state, services)
        repository = ModelRepository(deployment, orders, self._guard, swap)
        repository_pb2_grpc.add_ModelRepositoryServicer_to_server(repository, services)
        inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(inference, services)
        health_pb2_grpc.add_HealthServicer_to_server(self._checks, services)
        names = (*_TRACED, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, services)
        return server

    def _listen(self, server: grpc.aio.Server, address: str) -> int:
        """The port. Raises RuntimeError if it cannot be had."""
        if self._credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, self._credentials)

    async def open(self) -> None:
        await self._checks.set(NATIVE, health_pb2.HealthCheckResponse.SERVING)
        await self._server.start()

    async def watch(self) -> None:
        """Keeps the port open, until cancelled."""
        while True:
            try:
                await self._server.wait_for_termination(_LOOKS_EVERY)
            except Exception as error:  # whatever it fell over, someone has to take calls
                log.warning("no calls were taken for a moment: a request broke gRPC: %r", error)
                await self._succeed()

    async def _succeed(self) -> None:
        fallen = self._server
        while True:
            successor = self._made()
            try:
                self._listen(successor, f"{self._settings.host}:{self.port}")
                break
            except RuntimeError as error:
                log.error("the port is not to be had, and is tried again: %s", error)
                await asyncio.sleep(_LOOKS_EVERY)
        await successor.start()
        self._server = successor
        self._fallen[fallen] = asyncio.create_task(fallen.stop(_FOR_EVER))
        self._fallen[fallen].add_done_callback(lambda _: self._fallen.pop(fallen))

    async def announce_end(self) -> None:
        """Has health checks say that this server is going."""
        await self._checks.enter_graceful_shutdown()

    async def close(self, grace: float) -> None:
        """Ends every call within `grace` seconds."""
        await asyncio.gather(*(each.stop(grace) for each in (self._server, *self._fallen)))


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """None: plain text. Raises CertificateError."""
    if not (settings.tls_cert and settings.tls_key):
        return None
    files = certificates.watch(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    return server_credentials(files)


def _limits(settings: Settings) -> Limits:
    return Limits(settings.max_batch, settings.max_streams, settings.sequence_idle)


def _in_bytes(
    native: StreamInference, inference: InferenceService
) -> tuple[grpc.GenericRpcHandler, grpc.GenericRpcHandler]:
    """Go before the generated handlers, which would serialise what is in bytes already."""
    fleet = grpc.stream_stream_rpc_method_handler(
        native.Fleet,
        request_deserializer=stream_pb2.FleetRequest.FromString,
        response_serializer=serialized,
    )
    infer: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(
        inference.ModelStreamInfer
    )
    return (
        grpc.method_handlers_generic_handler(NATIVE, {"Fleet": fleet}),
        grpc.method_handlers_generic_handler(INFERENCE, {"ModelStreamInfer": infer}),
    )


class _Unregistered:
    """A server as the generated code sees it, which looks methods up by name only.

    gRPC's core keeps a request waiting for each registered method; when the loop that takes
    calls falls, they are freed under its feet, and the process with them.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Does nothing: the generic handlers know the same methods."""


def _options(settings: Settings) -> list[tuple[str, int]]:
    keepalive = round(settings.keepalive * 1000)
    timeout = round(settings.keepalive_timeout * 1000)
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.keepalive_time_ms", keepalive),
        ("grpc.keepalive_timeout_ms", timeout),
        # Pings of gRPC's own have a minute by default, and a probe would wait for them.
        ("grpc.http2.ping_timeout_ms", timeout),
        ("grpc.keepalive_permit_without_calls", 1),
        # Its windows grow to megabytes for a client that sends fast, and with them what is held
        # of one that reads nothing.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", keepalive // 2),
        # Beyond a thousand calls that wait to be taken gRPC would turn some away at random, as when
        # a fleet comes back at once.
        ("grpc.server.max_pending_requests", settings.max_streams),
        ("grpc.server.max_pending_requests_hard_limit", 2 * settings.max_streams),
        # Clients probe too, this project's every 10 s; gRPC would take that for abuse.
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
        # Two services on one port would share its connections at random, as workers do.
        ("grpc.so_reuseport", int(settings.workers > 1)),
    ]
