"""Triton's protocol, its own client against it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial

from bench.analyzer import SEQUENCE_LENGTH, analyzed
from bench.load import Round
from bench.package import SMALL
from bench.part import Part, Plan, Progress, Results
from bench.process import Server
from bench.ratios import P50, P99, STEP_RATE, Goal, Pairs, Row, row_of
from bench.stand import Stand
from service.startup import StartError
from service.transport import binding
from torture.triton_client import TritonClient

_GOALS = {1: Goal(0.75), 16: Goal(0.8), 64: Goal(0.95)}
"""By concurrency."""
_AGAINST = "echo of Triton's protocol"
_RUNNING = "the echo, running the model"


async def measure(stand: Stand, plan: Plan, progress: Progress) -> Results:
    """Raises NotInstalled, too."""
    client = await asyncio.to_thread(TritonClient)
    echo, others = stand.triton_echo(SMALL), _others(stand)
    run = partial(
        analyzed, client, model=SMALL.name, seconds=plan.seconds, to=stand.folder / "analyzed.csv"
    )
    rows: list[Row] = []
    for concurrency, goal in _GOALS.items():
        measured: dict[str, list[Round]] = {name: [] for name in (_AGAINST, *others)}
        for number in range(1, plan.rounds + 1):
            progress(f"perf_analyzer, {concurrency} sequences, round {number} of {plan.rounds}")
            for name, server in {_AGAINST: echo, **others}.items():
                round_ = await asyncio.to_thread(run, server, concurrency=concurrency)
                measured[name].append(round_)
        for name in others:
            pairs = Pairs(
                concurrency,
                measured[_AGAINST],
                measured[name],
                what=name,
                against=_AGAINST,
                load=" of perf_analyzer",
            )
            reach = None if name == _RUNNING else goal
            rows += [row_of(pairs, STEP_RATE, reach), row_of(pairs, P50), row_of(pairs, P99)]
    return Results(rows, [f"each sequence has {SEQUENCE_LENGTH} timesteps"])


def _others(stand: Stand) -> dict[str, Server]:
    """By what they are called; the service on libnghttp2, too, where that is installed."""
    others = {_RUNNING: stand.triton_echo(SMALL, runs=True), "service": stand.service(SMALL)}
    with suppress(StartError):
        binding.load()
        options = ("--transport", "nghttp2")
        others["service on nghttp2"] = stand.service(SMALL, options=options)
    return others


PART = Part(
    "triton",
    "Triton's protocol",
    measure,
    full=Plan(rounds=5, warm_up=0.0, seconds=1.0),
    quick=Plan(rounds=1, warm_up=0.0, seconds=0.2),
)
