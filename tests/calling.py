"""Calls of the scenes of `tests.transports`, by gRPC's own client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest

BIG = bytes(range(256)) * 1200
"""300 KB: more than a window of HTTP/2."""
PATIENCE = 20.0
DEADLINE = 0.1


def stream(channel: grpc.aio.Channel, method: str = "Echo", **how: Any) -> Any:
    call: Any = channel.stream_stream(f"/scenes/{method}")
    return call(**how)


def unary(channel: grpc.aio.Channel, method: str, request: bytes = b"", **how: Any) -> Any:
    call: Any = channel.unary_unary(f"/scenes/{method}")
    return call(request, **how)


async def refusal(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.005)


async def heard(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), PATIENCE)
