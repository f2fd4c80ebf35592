"""One stream by itself: its round trip over that of an echo that runs the model inline."""

from __future__ import annotations

from bench import conversations
from bench.load import Round, run_round
from bench.package import SMALL
from bench.part import Part, Plan, Progress, Results
from bench.process import Server
from bench.ratios import CPU, P50, P99, Goal, Pairs, row_of
from bench.stand import Stand

_P50_ASKED, _P99_ASKED = Goal(1.25), Goal(1.4)
_HIGHEST_RATE = 50_000
"""Steps per second that the stream is prepared for."""


async def measure(stand: Stand, plan: Plan, progress: Progress) -> Results:
    inline, service = stand.inline(SMALL), stand.service(SMALL)
    talk = conversations.with_service(SMALL, steps=round(plan.duration * _HIGHEST_RATE))

    async def round_of(server: Server) -> Round:
        return await run_round(
            server.address,
            talk,
            server.cpu_seconds,
            streams=1,
            warm_up=plan.warm_up,
            seconds=plan.seconds,
        )

    floor, lone = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"one stream, pair {number} of {plan.rounds}")
        floor.append(await round_of(inline))
        lone.append(await round_of(service))
    pairs = Pairs(1, floor, lone, against="inline echo")
    return Results(
        [row_of(pairs, P50, _P50_ASKED), row_of(pairs, P99, _P99_ASKED), row_of(pairs, CPU)]
    )


PART = Part(
    "lone",
    "One stream by itself",
    measure,
    full=Plan(rounds=9, warm_up=0.25, seconds=1.5),
    quick=Plan(rounds=1, warm_up=0.1, seconds=0.4),
)
