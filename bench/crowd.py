"""Streams that are open and idle, over a few connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import grpc

from bench.fleet_load import METHOD, Fleet
from bench.load import Call, Conversation, LoadFailed
from bench.package import Network

CONNECTIONS = 10
_OWN_SUBCHANNELS = (("grpc.use_local_subchannel_pool", 1),)
"""Else channels to one address share a connection."""
_FLEET = 250
_AT_A_TIME = 100
"""Streams that are being opened."""


@asynccontextmanager
async def in_calls_of_their_own(
    address: str, conversation: Conversation, streams: int
) -> AsyncIterator[None]:
    """Each has taken all steps of the conversation, and then sends nothing. Raises LoadFailed."""
    calls: list[Call] = []
    async with AsyncExitStack() as stack:
        begin = await _callables(stack, address, conversation.method)

        async def open_one(number: int) -> None:
            call = begin[number % CONNECTIONS]()
            calls.append(call)
            for message in (conversation.opening, *conversation.steps):
                await call.write(message)
                if not isinstance(await call.read(), bytes):
                    raise LoadFailed(f"an idle stream was refused: {await call.details()}")

        for first in range(0, streams, _AT_A_TIME):
            numbers = range(first, min(first + _AT_A_TIME, streams))
            await asyncio.gather(*map(open_one, numbers))
        yield
        for call in calls:
            call.cancel()


@asynccontextmanager
async def in_fleets(
    address: str, network: Network, steps: int, streams: int
) -> AsyncIterator[None]:
    """Each has taken so many steps, and then sends nothing. Raises LoadFailed."""
    fleets: list[Fleet] = []
    async with AsyncExitStack() as stack:
        begin = await _callables(stack, address, METHOD)
        for number, first in enumerate(range(0, streams, _FLEET)):
            call = begin[number % CONNECTIONS]()
            fleets.append(Fleet(call, network, min(_FLEET, streams - first)))
            await fleets[-1].open()
            fleets[-1].prepare(steps)
            for _ in range(steps):
                await fleets[-1].send()
                await fleets[-1].receive()
        yield
        for fleet in fleets:
            fleet.leave()


async def _callables(
    stack: AsyncExitStack, address: str, method: str
) -> Sequence[Callable[[], Call]]:
    """One for each connection."""
    channels = [
        await stack.enter_async_context(grpc.aio.insecure_channel(address, _OWN_SUBCHANNELS))
        for _ in range(CONNECTIONS)
    ]
    return [channel.stream_stream(method) for channel in channels]
