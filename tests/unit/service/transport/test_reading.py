"""Messages that are told where they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from tests.transports import serving

PATIENCE = 10.0


class Attentive:
    """A handler that attends, and notes what it is told, until `enough` messages were."""

    def __init__(self, enough: int = 100) -> None:
        self.heard: list[bytes] = []
        self.tasks: list[object] = []
        self.returned: list[bool] = []
        self.go_on = asyncio.Event()
        self.paused = asyncio.Event()
        self.ended = asyncio.Event()
        self._enough = enough
        self._context: Any = None

    def service(self, _: grpc.HandlerCallDetails) -> Any:
        return grpc.stream_stream_rpc_method_handler(self._handle)

    def add_to(self, server: Any) -> None:
        server.add_generic_rpc_handlers((self,))

    def _hear(self, message: bytes) -> bool:
        self.heard.append(message)
        self.tasks.append(asyncio.current_task())
        self._context.offer(message)
        return len(self.heard) != self._enough

    async def _attend(self) -> bool:
        more: bool = await self._context.attend(self._hear)
        self.returned.append(more)
        return more

    async def _handle(self, _: Any, context: Any) -> None:
        self._context = context
        try:
            while await self._attend():
                self.paused.set()
                await self.go_on.wait()
        except asyncio.CancelledError:
            await self._attend()
            raise
        finally:
            self.ended.set()


@asynccontextmanager
async def called(handler: Attentive) -> AsyncIterator[Any]:
    async with serving("nghttp2", more=handler.add_to) as served:
        async with grpc.aio.insecure_channel(served.address) as channel:
            yield channel.stream_stream("/test.Reading/Attend")()


async def test_messages_are_told_in_order_and_in_no_task() -> None:
    handler = Attentive()
    async with asyncio.timeout(PATIENCE), called(handler) as call:
        for number in range(20):
            await call.write(b"%d" % number)
            assert await call.read() == b"%d" % number
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
    assert handler.heard == [b"%d" % number for number in range(20)]
    assert set(handler.tasks[1:]) == {None}


async def test_the_last_message_may_come_with_the_end() -> None:
    handler = Attentive()
    async with asyncio.timeout(PATIENCE), called(handler) as call:
        await call.write(b"only")
        await call.done_writing()
        assert [answer async for answer in call] == [b"only"]
        await handler.ended.wait()
    assert handler.returned == [False]


async def test_who_has_heard_enough_is_told_the_rest_later() -> None:
    handler = Attentive(enough=2)
    async with asyncio.timeout(PATIENCE), called(handler) as call:
        for number in range(4):
            await call.write(b"%d" % number)
        await handler.paused.wait()
        assert handler.heard == [b"0", b"1"]
        handler.go_on.set()
        for number in range(4):
            assert await call.read() == b"%d" % number
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
    assert handler.returned == [True, False]


async def test_of_a_client_that_has_left_nothing_more_is_told() -> None:
    handler = Attentive(enough=1)
    async with asyncio.timeout(PATIENCE), called(handler) as call:
        await call.write(b"first")
        await call.write(b"never told")
        await handler.paused.wait()
        call.cancel()
        await handler.ended.wait()
    assert handler.heard == [b"first"]
    assert handler.returned == [True, False]
