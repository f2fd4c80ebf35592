"""A small model at 1 kHz, alone and beside a large one that is saturated, in the same service."""

from __future__ import annotations

import asyncio
from statistics import median

from bench import conversations
from bench.load import Round
from bench.paced import paced_round
from bench.package import LARGE, SMALL
from bench.part import Part, Plan, Progress, Results
from bench.process import Server
from bench.ratios import MESSAGE_RATE, P50, P99, Pairs, row_of
from bench.saturation import Saturation
from bench.stand import Stand

RATE_HZ, STREAMS = 1000.0, 32
"""Of the small model's stream; of the large model."""


async def measure(stand: Stand, plan: Plan, progress: Progress) -> Results:
    service = stand.service(SMALL, LARGE)
    alone, beside, rates = [], [], []
    for number in range(1, plan.rounds + 1):
        progress(f"1 kHz beside a large model, pair {number} of {plan.rounds}")
        alone.append(await asyncio.to_thread(_round, plan, service))
        saturation = Saturation(
            service.address,
            LARGE,
            STREAMS,
            core=stand.cores.client,
            log=stand.folder / "saturation.log",
        )
        try:
            beside.append(await asyncio.to_thread(_round, plan, service))
        finally:
            rates.append(saturation.stop())
    pairs = Pairs(
        1, alone, beside, what=f"beside {LARGE}", against="alone", load=" at 1 kHz, open loop"
    )
    return Results(
        [row_of(pairs, P99), row_of(pairs, P50), row_of(pairs, MESSAGE_RATE)],
        [
            f"{STREAMS} streams of {LARGE}, saturated beside the stream at 1 kHz, are answered "
            f"{median(rates):,.0f} steps/s; round trips count from when a step was due"
        ],
    )


def _round(plan: Plan, server: Server) -> Round:
    return paced_round(
        server.address,
        conversations.with_service(SMALL, steps=round(plan.duration * RATE_HZ)),
        server.cpu_seconds,
        rate_hz=RATE_HZ,
        warm_up=plan.warm_up,
        seconds=plan.seconds,
    )


PART = Part(
    "fairness",
    "A small model beside a large one",
    measure,
    full=Plan(rounds=5, warm_up=0.5, seconds=3.0),
    quick=Plan(rounds=1, warm_up=0.1, seconds=0.5),
)
