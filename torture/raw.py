"""gRPC calls of bytes, for what the client would not say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

STREAM = "/stepwire.v1.StreamInference/Stream"
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
"""Options of a channel that shares its connection with no other."""
FAST = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    *OWN_CONNECTION,
)
"""Options of a channel that finds a server at once which comes back."""
TRANSIENT = ("UNAVAILABLE", "CANCELLED", "INTERNAL")
"""How a call ends that no server has taken."""
STILL_OPEN = "STILL_OPEN"
"""In the place of a status, of a call that the server did not end in time."""


class Reply(NamedTuple):
    answers: Sequence[bytes]
    status: str
    """The name of a gRPC status."""
    details: str


async def converse(
    channel: grpc.aio.Channel, path: str, messages: Iterable[bytes], *, patience: float
) -> Reply:
    """Sends the messages on one call and hears what comes, for at most `patience` seconds."""
    begin: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(path)
    call = begin()
    answers: list[bytes] = []
    try:
        async with asyncio.timeout(patience):
            await asyncio.gather(_say(call, messages), _hear(call, answers))
    except TimeoutError:
        call.cancel()
        return Reply(answers, STILL_OPEN, "")
    return Reply(answers, (await call.code()).name, await call.details() or "")


_Call = grpc.aio.StreamStreamCall[bytes, bytes]
OVER = (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError)
"""What a call raises that has ended, also in the midst of its last word; its status tells why."""


async def _say(call: _Call, messages: Iterable[bytes]) -> None:
    with contextlib.suppress(*OVER):
        for message in messages:
            await call.write(message)
        await call.done_writing()


async def _hear(call: _Call, answers: list[bytes]) -> None:
    with contextlib.suppress(*OVER):
        while isinstance(answer := await call.read(), bytes):
            answers.append(answer)


def path_of(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def methods_of(address: str) -> list[MethodDescriptor]:
    """Every RPC of the server, as its reflection tells."""
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = DescriptorPool(database)
        services = [pool.FindServiceByName(name) for name in database.get_services()]
        return [method for service in services for method in service.methods]
