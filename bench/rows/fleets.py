"""Many streams a message: fleets against the arithmetic and against the echo."""

from __future__ import annotations

import asyncio

from bench import conversations
from bench.fleet_load import fleet_round
from bench.load import Round, run_round
from bench.package import SMALL
from bench.part import Part, Plan, Progress, Results
from bench.ratios import CPU, P50, STEP_RATE, Goal, Pairs, row_of
from bench.stand import Stand

WIDE, NARROW = 256, 64
"""Streams of the fleet against the arithmetic, and of the one against the echo."""
_WIDE_ASKED, _NARROW_ASKED = Goal(0.75), Goal(10.0)
_HIGHEST_RATE = 10_000
"""Messages per second that one stream of the echo is prepared for."""


async def measure(stand: Stand, plan: Plan, progress: Progress) -> Results:
    wide = await _against_arithmetic(stand, plan, progress)
    narrow = await _against_echo(stand, plan, progress)
    return Results(
        [
            row_of(wide, STEP_RATE, _WIDE_ASKED),
            row_of(wide, CPU),
            row_of(narrow, STEP_RATE, _NARROW_ASKED),
            row_of(narrow, CPU),
            row_of(narrow, P50),
        ],
        ["a round trip of a fleet is that of a whole message, with two others under way"],
    )


async def _against_arithmetic(stand: Stand, plan: Plan, progress: Progress) -> Pairs:
    service, arithmetic = stand.service(SMALL), stand.arithmetic(SMALL)
    floor, fleet = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"fleet of {WIDE} and the arithmetic, pair {number} of {plan.rounds}")
        floor.append(await asyncio.to_thread(arithmetic.round, WIDE, plan.seconds))
        fleet.append(
            await fleet_round(
                service, SMALL, streams=WIDE, warm_up=plan.warm_up, seconds=plan.seconds
            )
        )
    return Pairs(WIDE, floor, fleet, what="fleet", against="arithmetic", load=" a message")


async def _against_echo(stand: Stand, plan: Plan, progress: Progress) -> Pairs:
    service, echo = stand.service(SMALL), stand.echo(SMALL)
    steps = round(plan.duration * _HIGHEST_RATE)
    talk = conversations.with_echo(conversations.with_service(SMALL, steps=steps))

    async def echoed() -> Round:
        return await run_round(
            echo.address,
            talk,
            echo.cpu_seconds,
            streams=NARROW,
            warm_up=plan.warm_up,
            seconds=plan.seconds,
        )

    floor, fleet = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"fleet of {NARROW} and the echo, pair {number} of {plan.rounds}")
        floor.append(await echoed())
        fleet.append(
            await fleet_round(
                service, SMALL, streams=NARROW, warm_up=plan.warm_up, seconds=plan.seconds
            )
        )
    return Pairs(NARROW, floor, fleet, what="fleet", load=" a message")


PART = Part(
    "fleets",
    "Many streams a message",
    measure,
    full=Plan(rounds=7, warm_up=0.5, seconds=1.5),
    quick=Plan(rounds=1, warm_up=0.1, seconds=0.3),
)
