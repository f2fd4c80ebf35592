"""kill -9 of the server at random moments under load: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

import stepwire
from torture.diary import Account, account
from torture.load import MIXED, Load
from torture.processes import Reborn
from torture.proxy import proxied
from torture.stores import STORES
from torture.witness import Witness

_WITHHELD = 0.2
"""Seconds, several rounds of saving, for which answers are withheld before every other crash: the
store then has steps whose answers nobody has."""
_LATER = 5
"""Steps that each stream makes after the last crash, and again after an orderly restart."""
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Crashes:
    crashes: int
    account: Account
    longest_pause: float
    """Seconds between two answers of a stream, restarts included."""
    seconds: float


async def crash_under_load(
    ground: Path, *, store: str, crashes: int, streams: int, up: tuple[float, float], seed: int = 0
) -> Crashes:
    """Kills the server after a random time from `up`, in seconds, and starts it on its port.

    `store`: one of STORES. `streams`: a multiple of 4, of four kinds. Raises PromiseBroken.
    """
    witness = Witness(ground / "repository")
    source = random.Random(seed)
    started = time.monotonic()
    with STORES[store](ground) as url:
        flags = ("--store", url, "--takeover-wait", "0.3")
        with Reborn(witness.repository, *flags, log=ground / "server.log") as server:
            async with (
                proxied(server) as proxy,
                stepwire.connect(proxy.address, retry_for=_PATIENCE) as client,
            ):
                load = Load(client, witness, MIXED * (streams // len(MIXED)))
                await load.open()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(load.run())
                    for number in range(crashes):
                        await asyncio.sleep(source.uniform(*up))
                        if number % 2:
                            proxy.swallow_answers()
                            await asyncio.sleep(_WITHHELD)
                        await server.crash()
                        proxy.cut()
                    await load.progress(_LATER, _PATIENCE)
                    load.stop()
                await load.detach()
            await server.restart()
            async with stepwire.connect(server.address) as client:
                await load.resume(client, _LATER)
    done = account(witness, load.diaries)
    done.hold()
    return Crashes(crashes, done, load.longest_pause, time.monotonic() - started)
