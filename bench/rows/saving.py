"""What it costs to save streams: the service with a store, and without, in turns."""

from __future__ import annotations

from typing import NamedTuple

from bench import conversations
from bench.load import Round, run_round
from bench.package import SMALL
from bench.part import Part, Plan, Progress, Results
from bench.process import Server, pinned_to
from bench.ratios import CPU, P99, STEP_RATE, Goal, Pairs, Row, row_of
from bench.stand import Stand
from torture.redis_server import RedisServer

_FLOOR = "memory"
_ASKED = Goal(1.15)
_PATIENT = ("--store-timeout", "10")
"""That others are at work fails no round."""
_HIGHEST_RATE = 5_000
"""Steps per second that one stream is prepared for."""


class Load(NamedTuple):
    streams: int
    pause: float
    """Seconds that a stream waits after each answer."""
    text: str


SATURATED, PACED = 64, 1000
"""Streams that wait for nothing but their answers, and streams that step once a second."""


async def measure(stand: Stand, plan: Plan, progress: Progress) -> Results:
    """Redis is on the client's core."""
    with pinned_to(stand.cores.client):
        redis = RedisServer(stand.folder)
    stand.at_end(redis.stop)
    stores = {"sqlite": f"sqlite:{stand.folder / 'streams.db'}", "redis": redis.url}
    floor = stand.service(SMALL)
    servers = {
        kind: stand.service(SMALL, options=("--store", store, *_PATIENT))
        for kind, store in stores.items()
    }
    rows: list[Row] = []
    for load in (Load(SATURATED, 0.0, ""), Load(round(PACED * plan.scale), 1.0, " at 1 Hz")):
        for kind, server in servers.items():
            pairs = await _pairs(plan, load, floor, server, kind, progress)
            asked = None if load.pause else _ASKED
            rows += [row_of(pairs, CPU, asked), row_of(pairs, STEP_RATE), row_of(pairs, P99)]
    return Results(rows)


async def _pairs(
    plan: Plan, load: Load, floor: Server, server: Server, kind: str, progress: Progress
) -> Pairs:
    without, stored = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"{load.streams} streams{load.text}, {kind}, pair {number} of {plan.rounds}")
        without.append(await _round(plan, floor, load))
        stored.append(await _round(plan, server, load))
    return Pairs(load.streams, without, stored, what=kind, against=_FLOOR, load=load.text)


async def _round(plan: Plan, server: Server, load: Load) -> Round:
    return await run_round(
        server.address,
        conversations.with_service(SMALL, steps=round(plan.duration * _HIGHEST_RATE)),
        server.cpu_seconds,
        streams=load.streams,
        warm_up=plan.warm_up,
        seconds=plan.seconds,
        pause=load.pause,
    )


PART = Part(
    "saving",
    "Saving streams",
    measure,
    full=Plan(rounds=5, warm_up=0.5, seconds=2.0),
    quick=Plan(rounds=1, warm_up=0.2, seconds=1.0, scale=0.2),
)
