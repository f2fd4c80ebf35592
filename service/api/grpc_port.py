"""A port that gRPC's own library serves, and who takes its place if it falls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import grpc

from service.access.certificates import Certificates
from service.access.files import Watched
from service.api.services import Services
from service.api.tls import server_credentials
from service.settings import Settings

log = logging.getLogger(__name__)

_LOOKS_EVERY = 0.05
"""Seconds between two looks at whether the server still takes calls."""
_FOR_EVER = 10 * 365 * 86_400.0
_PENDING = 1_000
"""Calls, at least, that may wait to be taken: also those that open no stream."""


class GrpcPort:
    """A request whose path is not UTF-8 ends grpc.aio's loop that takes calls, and with it the
    port (grpcio 1.85). `watch` sees that, and a successor listens in its place; the calls that
    are open go on at the fallen server.
    """

    def __init__(
        self,
        settings: Settings,
        services: Services,
        interceptors: Sequence[grpc.aio.ServerInterceptor],
        certificates: Watched[Certificates] | None,
    ) -> None:
        """`certificates` None: plain text. Raises RuntimeError if the port cannot be had."""
        self._settings = settings
        self._services = services
        self._interceptors = interceptors
        self._fallen: dict[grpc.aio.Server, asyncio.Task[None]] = {}
        self._credentials = server_credentials(certificates) if certificates else None
        self._server = self._made()
        self.number = self._listen(self._server, settings.listen)

    def _made(self) -> grpc.aio.Server:
        server = grpc.aio.server(interceptors=self._interceptors, options=_options(self._settings))
        self._services.add_to(_Unregistered(server))
        return server

    def _listen(self, server: grpc.aio.Server, address: str) -> int:
        """The port. Raises RuntimeError if it cannot be had."""
        if self._credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, self._credentials)

    async def open(self) -> None:
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
                self._listen(successor, f"{self._settings.host}:{self.number}")
                break
            except RuntimeError as error:
                log.error("the port is not to be had, and is tried again: %s", error)
                await asyncio.sleep(_LOOKS_EVERY)
        await successor.start()
        self._server = successor
        self._fallen[fallen] = asyncio.create_task(fallen.stop(_FOR_EVER))
        self._fallen[fallen].add_done_callback(lambda _: self._fallen.pop(fallen))

    async def close(self, grace: float) -> None:
        """Ends every call within `grace` seconds."""
        await asyncio.gather(*(each.stop(grace) for each in (self._server, *self._fallen)))


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
    pending = max(_PENDING, settings.max_streams)
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
        ("grpc.server.max_pending_requests", pending),
        ("grpc.server.max_pending_requests_hard_limit", 2 * pending),
        # Clients probe too, this project's every 10 s; gRPC would take that for abuse.
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
        # Two services on one port would share its connections at random, as workers do.
        ("grpc.so_reuseport", int(settings.workers > 1)),
    ]
