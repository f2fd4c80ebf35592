from __future__ import annotations

import asyncio

from service.api.bell import Bell


async def test_who_waits_is_woken_however_often_it_is_rung() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.heard())
    await asyncio.sleep(0)
    bell.ring()
    bell.ring()
    await waiting


async def test_what_rang_before_is_not_heard() -> None:
    bell = Bell()
    bell.ring()
    waiting = asyncio.create_task(bell.heard())
    await asyncio.sleep(0)
    assert not waiting.done()
    bell.ring()
    await waiting


async def test_one_that_is_no_longer_waited_for_may_be_rung() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.heard())
    await asyncio.sleep(0)
    waiting.cancel()
    bell.ring()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    bell.ring()
