"""A port that libnghttp2 serves, behind gRPC as `service.transport` has it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc

from service.access.certificates import Certificates
from service.access.files import Watched
from service.api.services import Services
from service.api.tls import server_context
from service.settings import Settings
from service.transport.connection import Terms
from service.transport.server import Server
from service.transport.session import Limits

_HEADER_BYTES = 16 * 1024
"""What gRPC's own library takes at most."""
_CALLS = 1_000


class Nghttp2Port:
    def __init__(
        self,
        settings: Settings,
        services: Services,
        interceptors: Sequence[grpc.aio.ServerInterceptor],
        certificates: Watched[Certificates] | None,
    ) -> None:
        """`certificates` None: plain text.

        Raises StartError without the library, and RuntimeError if the port cannot be had.
        """
        # Two services on one port would share its connections at random, as workers do.
        self._server = Server(_terms(settings), interceptors, shares_port=settings.workers > 1)
        services.add_to(self._server)
        if certificates is None:
            self.number = self._server.add_insecure_port(settings.listen)
        else:
            context = server_context(certificates)
            self.number = self._server.add_secure_port(settings.listen, context)

    async def open(self) -> None:
        await self._server.start()

    async def watch(self) -> None:
        """Waits until cancelled: nothing that arrives takes the port down."""
        await asyncio.Event().wait()

    async def close(self, grace: float) -> None:
        """Ends every call within `grace` seconds."""
        await self._server.stop(grace)


def _terms(settings: Settings) -> Terms:
    # Streams may each have a call, and others beside them.
    calls = _CALLS + 2 * settings.max_streams
    return Terms(
        # All of a client's calls may be reset at once, as when it is closed.
        Limits(calls, _HEADER_BYTES, resets=calls),
        settings.max_message_bytes,
        settings.keepalive,
        settings.keepalive_timeout,
    )
