"""Two servers believe that they own a stream: one history becomes durable, and nobody sees both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import stepwire
from service.core.model import Array
from torture.diary import Account, account
from torture.dispute import Dispute
from torture.processes import Reborn, running
from torture.proxy import Proxy, proxied
from torture.stores import redis_running
from torture.witness import Witness

_FLAGS = ("--store-timeout", "0.3", "--takeover-wait", "0.3")
_SETTLED = 0.7
"""Seconds after which no answer of the store is under way any more."""


class Parting(Enum):
    """How the first server loses the store, which the second one reaches."""

    CUT = "cut"
    """Its connections break, and it finds nobody."""
    FROZEN = "frozen"
    """Nothing passes; what it has written arrives later."""
    DEAF = "deaf"
    """What it writes arrives, and no answer to it."""

    def begin(self, proxy: Proxy) -> None:
        if self is Parting.CUT:
            proxy.down()
        elif self is Parting.FROZEN:
            proxy.freeze()
        else:
            proxy.swallow_answers()

    async def end(self, proxy: Proxy) -> None:
        if self is Parting.CUT:
            await proxy.up()
        elif self is Parting.FROZEN:
            proxy.thaw()
        else:
            proxy.cut()


@dataclass(frozen=True, slots=True)
class TwoOwners:
    partings: int
    streams: int
    account: Account
    """Of both histories of each stream."""
    discarded: int
    """Steps that the first servers answered and that did not become durable."""
    seconds: float


async def give_streams_two_owners(
    ground: Path, *, partings: Sequence[Parting], streams: int
) -> TwoOwners:
    """Each time `streams` streams, a quarter of them and at least one sync, get a second owner.

    Raises PromiseBroken or NotInstalled.
    """
    witness = Witness(ground / "repository")
    folder = ground / "redis"
    folder.mkdir()
    started = time.monotonic()
    disputes: list[Dispute] = []
    with redis_running(folder) as redis:
        async with proxied(redis) as proxy, AsyncExitStack() as stack:
            first = stack.enter_context(
                running(
                    witness.repository,
                    *("--store", f"redis://{proxy.address}/0", *_FLAGS),
                    log=ground / "first.log",
                )
            )
            second = stack.enter_context(
                Reborn(
                    witness.repository,
                    *("--store", redis.url, *_FLAGS),
                    log=ground / "second.log",
                )
            )
            here = await stack.enter_async_context(stepwire.connect(first.address))
            there = await stack.enter_async_context(stepwire.connect(second.address))
            for parting in partings:
                now = [
                    Dispute(witness, here, there, number, sync=number % 4 == 0)
                    for number in range(len(disputes), len(disputes) + streams)
                ]
                disputes += now
                await _part(parting, proxy, second, now)

    def inputs(number: int, step: int) -> Array:
        return disputes[number // 2].input(number, step)

    done = account(witness, [diary for each in disputes for diary in each.diaries], inputs)
    done.hold()
    discarded = sum(dispute.discarded for dispute in disputes)
    seconds = time.monotonic() - started
    return TwoOwners(len(partings), len(disputes), done, discarded, seconds)


async def _part(
    parting: Parting, proxy: Proxy, second: Reborn, disputes: Sequence[Dispute]
) -> None:
    try:
        await asyncio.gather(*(each.begin() for each in disputes))
        parting.begin(proxy)
        await asyncio.sleep(_SETTLED)
        await asyncio.gather(*(each.go_on_unsaved() for each in disputes))
        await asyncio.gather(*(each.take() for each in disputes))
        await parting.end(proxy)
        await asyncio.gather(*(each.settle() for each in disputes))
        await asyncio.gather(*(each.go_on() for each in disputes))
        await second.crash()
        await asyncio.gather(*(each.go_on() for each in disputes))
        await asyncio.gather(*(each.end() for each in disputes))
    finally:
        for each in disputes:
            each.cancel()
