"""Raw calls of clients with certificates and credentials."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Protocol

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc
from tests import graphs
from tests.certificates import Pair
from tests.e2e.wire import TOKEN, RawCall
from torture.processes import Server

OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
SECONDS = 30.0
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


def bearer(token: str | None) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()


@contextlib.asynccontextmanager
async def calling(
    open_channel: grpc.aio.Channel, token: str | None = None
) -> AsyncIterator[RawCall]:
    """A call on a connection of its own, with a bearer token or without."""
    async with open_channel as connected:
        stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(connected)
        call = stub.Stream(metadata=bearer(token))
        yield RawCall(call)
        call.cancel()


def ending_of_open(
    server: Server,
    token: str | None,
    stream_id: str,
    model: str = "accumulator",
    mode: pb.OpenMode.ValueType = pb.OPEN_MODE_CREATE,
) -> tuple[grpc.StatusCode, str, str]:
    """How a call ends that opens a stream and leaves it: status, details, name of the error.

    By gRPC's client without asyncio: that of asyncio says INTERNAL of a call that ends while
    it is written to, whatever the server has said.
    """
    request = pb.StreamRequest(
        open=pb.Open(model=model, stream_id=stream_id, mode=mode, token=TOKEN)
    )
    with grpc.insecure_channel(server.address, OWN_CONNECTION) as connected:
        stub = pb_grpc.StreamInferenceStub(connected)
        call = stub.Stream(iter([request]), timeout=SECONDS, metadata=bearer(token))
        code = code_of(call)
        trailers = dict(call.trailing_metadata() or ())
        return code, call.details() or "", str(trailers.get("stepwire-error", ""))


class Answers(Protocol):
    """A call by gRPC's client without asyncio."""

    def __iter__(self) -> Iterator[Any]: ...

    def code(self) -> grpc.StatusCode: ...


def code_of(call: Answers) -> grpc.StatusCode:
    """Once all has been heard."""
    with contextlib.suppress(grpc.RpcError):
        for _ in call:
            pass
    return call.code()


async def health(open_channel: grpc.aio.Channel) -> tuple[grpc.StatusCode, str]:
    """How the question for the server's health ends, and what was said: SERVING, or details."""
    async with open_channel as connected:
        stub = health_pb2_grpc.HealthStub(connected)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or ""
        return grpc.StatusCode.OK, health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
