"""Raw calls of clients with certificates and credentials."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stepwire.v1 import stream_pb2_grpc as pb_grpc
from tests import graphs
from tests.certificates import Pair
from tests.e2e.wire import RawCall
from torture.processes import Server

OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
SECONDS = 10.0
"""More than any answer takes."""


def put_models(root: Path) -> Path:
    """Three that load at once."""
    graphs.put(root, "accumulator", graphs.accumulator_package())
    graphs.put(root, "wide", graphs.package(*graphs.wide()))
    graphs.put(root, "mixer", graphs.package(*graphs.mixer()))
    return root


def channel(
    server: Server, authority: Path | None = None, own: Pair | None = None
) -> grpc.aio.Channel:
    """In plain text, or trusting an authority; with a certificate of the client's own, or not."""
    if authority is None:
        return grpc.aio.insecure_channel(server.address, OWN_CONNECTION)
    credentials = grpc.ssl_channel_credentials(
        authority.read_bytes(),
        own and own.key.read_bytes(),
        own and own.certificate.read_bytes(),
    )
    return grpc.aio.secure_channel(f"localhost:{server.port}", credentials, OWN_CONNECTION)


@contextlib.asynccontextmanager
async def calling(
    open_channel: grpc.aio.Channel, token: str | None = None
) -> AsyncIterator[RawCall]:
    """A call on a connection of its own, with a bearer token or without."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    async with open_channel as connected:
        stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(connected)
        call = stub.Stream(metadata=metadata)
        yield RawCall(call)
        call.cancel()


async def health(open_channel: grpc.aio.Channel) -> tuple[grpc.StatusCode, str]:
    """How the question for the server's health ends, and what was said: SERVING, or details."""
    async with open_channel as connected:
        stub = health_pb2_grpc.HealthStub(connected)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or ""
        return grpc.StatusCode.OK, health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
