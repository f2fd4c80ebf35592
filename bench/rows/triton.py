"""Triton's protocol, its own client against it."""

from __future__ import annotations

import asyncio
from functools import partial

from bench.analyzer import SEQUENCE_LENGTH, analyzed
from bench.load import Round
from bench.package import SMALL
from bench.part import Part, Plan, Progress, Results
from bench.process import Server
from bench.ratios import P50, P99, STEP_RATE, Goal, Pairs, Row, row_of
from bench.stand import Stand
from torture.triton_client import TritonClient

_GOALS = {1: Goal(0.75), 16: Goal(0.8), 64: Goal(0.95)}
"""By concurrency."""
_AGAINST = "echo of Triton's protocol"


async def measure(stand: Stand, plan: Plan, progress: Progress) -> Results:
    """Raises NotInstalled, too."""
    client = await asyncio.to_thread(TritonClient)
    echo, service = stand.triton_echo(SMALL), stand.service(SMALL)
    run = partial(
        analyzed, client, model=SMALL.name, seconds=plan.seconds, to=stand.folder / "analyzed.csv"
    )
    rows: list[Row] = []
    for concurrency, goal in _GOALS.items():
        sides: dict[Server, list[Round]] = {echo: [], service: []}
        for number in range(1, plan.rounds + 1):
            progress(f"perf_analyzer, {concurrency} sequences, pair {number} of {plan.rounds}")
            for server, rounds in sides.items():
                rounds.append(await asyncio.to_thread(run, server, concurrency=concurrency))
        pairs = Pairs(
            concurrency, sides[echo], sides[service], against=_AGAINST, load=" of perf_analyzer"
        )
        rows += [row_of(pairs, STEP_RATE, goal), row_of(pairs, P50), row_of(pairs, P99)]
    return Results(rows, [f"each sequence has {SEQUENCE_LENGTH} timesteps"])


PART = Part(
    "triton",
    "Triton's protocol",
    measure,
    full=Plan(rounds=5, warm_up=0.0, seconds=1.0),
    quick=Plan(rounds=1, warm_up=0.0, seconds=0.2),
)
