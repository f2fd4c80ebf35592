"""The gRPC server of a process: its services on its port."""

from __future__ import annotations

from typing import Protocol

from grpc_health.v1 import health_pb2

from service.access import certificates
from service.access.certificates import Certificates
from service.access.files import Watched
from service.api.grpc_port import GrpcPort
from service.api.guard import Gate, Guard
from service.api.nghttp2_port import Nghttp2Port
from service.api.services import NATIVE, TRACED, Services
from service.api.tracing import Tracing
from service.api.unary import Reader
from service.operations.process import Process
from service.settings import Settings
from service.traces.spans import Tracer


class Port(Protocol):
    """One that takes calls; bound when it is made."""

    number: int

    async def open(self) -> None: ...

    async def watch(self) -> None: ...

    async def close(self, grace: float) -> None: ...


class Front:
    """Takes calls on one port."""

    def __init__(
        self, settings: Settings, process: Process, guard: Guard, tracer: Tracer | None = None
    ) -> None:
        """Raises CertificateError, StartError, and RuntimeError if the port cannot be had."""
        self._services = Services(settings, process, guard)
        kind = Nghttp2Port if settings.transport == "nghttp2" else GrpcPort
        traced = [Tracing(tracer, TRACED)] if tracer else []
        interceptors = [Gate(guard), *traced, Reader()]
        self._port: Port = kind(settings, self._services, interceptors, _certificates(settings))
        self.port = self._port.number

    async def open(self) -> None:
        await self._services.checks.set(NATIVE, health_pb2.HealthCheckResponse.SERVING)
        await self._port.open()

    async def watch(self) -> None:
        """Keeps the port open, until cancelled."""
        await self._port.watch()

    async def announce_end(self) -> None:
        """Has health checks say that this server is going."""
        await self._services.checks.enter_graceful_shutdown()

    async def close(self, grace: float) -> None:
        """Ends every call within `grace` seconds."""
        await self._port.close(grace)


def _certificates(settings: Settings) -> Watched[Certificates] | None:
    """None: plain text. Raises CertificateError."""
    if not (settings.tls_cert and settings.tls_key):
        return None
    return certificates.watch(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
