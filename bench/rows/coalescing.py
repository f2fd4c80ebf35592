"""The Python client's own streams: sharing a call, and each in a call of its own."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import numpy as np

import stepwire
from bench.load import Round
from bench.package import SMALL
from bench.part import Part, Plan, Progress, Results
from bench.process import Server
from bench.ratios import CPU_RATE, P50, P99, STEP_RATE, Goal, Pairs, row_of
from bench.stand import Stand

STREAMS = 256
_ASKED = Goal(5.0)


async def measure(stand: Stand, plan: Plan, progress: Progress) -> Results:
    service = stand.service(SMALL)
    apart, shared = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"{STREAMS} streams of a client, pair {number} of {plan.rounds}")
        apart.append(await _round(plan, service, coalesce=False))
        shared.append(await _round(plan, service, coalesce=True))
    pairs = Pairs(STREAMS, apart, shared, what="coalesced", against="apart", load=" of a client")
    return Results(
        [
            row_of(pairs, CPU_RATE, _ASKED),
            row_of(pairs, STEP_RATE),
            row_of(pairs, P50),
            row_of(pairs, P99),
        ]
    )


async def _round(plan: Plan, server: Server, *, coalesce: bool) -> Round:
    x = np.random.default_rng(0).standard_normal(SMALL.features).astype(np.float32)
    round_trips: list[float] = []

    async def run(stream: stepwire.Stream) -> None:
        while True:
            sent = time.perf_counter()
            await stream.step(x)
            round_trips.append(time.perf_counter() - sent)

    async with (
        stepwire.connect(server.address, coalesce=coalesce) as client,
        AsyncExitStack() as stack,
    ):
        fleet = await stack.enter_async_context(client.fleet(SMALL.name, STREAMS))
        running = [asyncio.create_task(run(stream)) for stream in fleet.streams]
        await asyncio.sleep(plan.warm_up)
        answered, cpu, began = len(round_trips), server.cpu_seconds(), time.perf_counter()
        await asyncio.sleep(plan.seconds)
        took, spent = time.perf_counter() - began, server.cpu_seconds() - cpu
        steps = len(round_trips) - answered
        p50, p99 = np.percentile(round_trips[answered:], [50, 99]) * 1e6
        for task in running:
            task.cancel()
        await asyncio.wait(running)
    return Round(steps / took, float(p50), float(p99), spent / steps * 1e6)


PART = Part(
    "coalescing",
    "The Python client's streams, sharing a call",
    measure,
    full=Plan(rounds=5, warm_up=0.5, seconds=1.5),
    quick=Plan(rounds=1, warm_up=0.1, seconds=0.3),
)
