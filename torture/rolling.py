"""Every replica behind HAProxy is restarted under load: nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import stepwire
from torture.diary import Account, account
from torture.load import MIXED, Load
from torture.promises import promised
from torture.replicas import Cluster, clustered
from torture.stores import redis_running
from torture.witness import Witness

_LATER = 20
"""Steps that each stream makes between two restarts."""
_PATIENCE = 60.0
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class RollingRestart:
    restarts: int
    account: Account
    pauses: Sequence[float]
    """Of each stream the longest: seconds between two answers."""
    seconds: float


async def restart_every_replica(
    ground: Path, *, replicas: int, rounds: int, streams: int
) -> RollingRestart:
    """Drains each replica with SIGTERM and starts it again, `rounds` times all of them.

    `streams`: a multiple of 8. Raises PromiseBroken or NotInstalled.
    """
    witness = Witness(ground / "repository")
    folder = ground / "redis"
    folder.mkdir()
    started = time.monotonic()
    with (
        redis_running(folder) as redis,
        clustered(
            witness.repository, "--store", redis.url, folder=ground, replicas=replicas
        ) as cluster,
    ):
        async with (
            stepwire.connect(cluster.address, retry_for=_PATIENCE, coalesce=False) as apart,
            stepwire.connect(cluster.address, retry_for=_PATIENCE) as together,
        ):
            # Those that share a call share a replica.
            each = streams // len(MIXED) // 2
            loads = [Load(apart, witness, MIXED * each), Load(together, witness, MIXED * each)]
            for load in loads:
                await load.open()
            async with asyncio.TaskGroup() as tasks:
                for load in loads:
                    tasks.create_task(load.run())
                await _progress(loads)
                for load in loads:
                    load.forget_pauses()
                for _ in range(rounds):
                    await _roll(cluster, loads)
                for load in loads:
                    load.stop()
    diaries = [diary for load in loads for diary in load.diaries]
    done = account(witness, diaries)
    done.hold()
    pauses = [diary.longest_pause for diary in diaries]
    return RollingRestart(rounds * replicas, done, pauses, time.monotonic() - started)


async def _progress(loads: Sequence[Load]) -> None:
    for load in loads:
        await load.progress(_LATER, _PATIENCE)


async def _roll(cluster: Cluster, loads: Sequence[Load]) -> None:
    for number, replica in enumerate(cluster.replicas, 1):
        code = await asyncio.to_thread(replica.leave)
        promised(code == 0, f"a replica that was asked to stop ended with {code}")
        up = f"replicas/replica{number} is UP"
        before = cluster.balancer.log.count(up)
        await asyncio.to_thread(replica.come_back)
        deadline = time.monotonic() + _PATIENCE
        while cluster.balancer.log.count(up) == before:
            promised(time.monotonic() < deadline, "a restarted replica never got ready")
            await asyncio.sleep(_LOOK)
        await _progress(loads)
