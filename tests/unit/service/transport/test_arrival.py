from __future__ import annotations

import asyncio

import pytest

from service.transport.arrival import Arrival


async def test_who_waits_goes_on_before_come_returns() -> None:
    loop = asyncio.get_running_loop()
    arrival = Arrival(loop)
    seen: list[str] = []
    done = asyncio.Event()

    async def wait() -> None:
        await arrival
        seen.append("resumed")
        done.set()

    def come() -> None:
        arrival.come()
        seen.append("returned")

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    loop.call_soon(come)
    await done.wait()
    await waiting
    assert seen == ["resumed", "returned"]


async def test_who_waits_can_be_cancelled() -> None:
    arrival = Arrival(asyncio.get_running_loop())

    async def wait() -> None:
        await arrival

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    arrival.come()


async def test_it_comes_once() -> None:
    arrival = Arrival(asyncio.get_running_loop())
    resumed = 0

    async def wait() -> None:
        nonlocal resumed
        await arrival
        resumed += 1

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    arrival.come_soon()
    arrival.come_soon()
    await waiting
    await asyncio.sleep(0)
    assert resumed == 1


async def test_a_timeout_ends_the_wait() -> None:
    arrival = Arrival(asyncio.get_running_loop())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await arrival
