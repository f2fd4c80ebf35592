from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from tests.transports import LARGEST, serving

PATIENCE = 10.0


class Waiting:
    """A handler that waits, while others write for it."""

    def __init__(self) -> None:
        self.context: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()

    def service(self, _: grpc.HandlerCallDetails) -> Any:
        return grpc.stream_stream_rpc_method_handler(self._handle)

    def add_to(self, server: Any) -> None:
        server.add_generic_rpc_handlers((self,))

    async def _handle(self, _: Any, context: Any) -> None:
        self.context.set_result(context)
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


async def test_an_answer_that_is_too_large_ends_its_handler_whoever_writes_it() -> None:
    handler = Waiting()
    async with asyncio.timeout(PATIENCE), serving("nghttp2", more=handler.add_to) as served:
        async with grpc.aio.insecure_channel(served.address) as channel:
            method: Any = channel.stream_stream("/test.Call/Hold")
            call = method()
            await call.write(b"")
            context = await handler.context
            with pytest.raises(grpc.aio.AbortError):
                context.offer(bytes(LARGEST + 1))
            await handler.ended.wait()
            assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
