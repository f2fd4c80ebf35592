"""Many open streams that send nothing: what each holds, and what they cost the active ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from bench import conversations, crowd
from bench.load import Conversation, Round, run_round
from bench.package import SMALL
from bench.part import Part, Plan, Progress, Results
from bench.process import Server
from bench.ratios import CPU, Goal, Pairs, Row, row_of
from bench.stand import Stand

ACTIVE, MANY, FEW = 64, 10_000, 100
_CPU_ASKED = Goal(1.1)
_ALLOWED_KB = 30.0
_WINDOW = 8
"""Outputs that the service keeps of each stream; every idle stream has filled them."""
_OPTIONS = ("--max-streams", str(2 * MANY), "--window", str(_WINDOW))
_HIGHEST_RATE = 10_000
"""Steps per second that one active stream is prepared for."""
_SETTLE = 0.5
"""Seconds from the last step of the idle streams to the first round."""
_KB = 1000.0


Opened = AbstractAsyncContextManager[None]


class _Form(NamedTuple):
    name: str
    open: Callable[[str, int], Opened]
    """By the server's address and the number of streams."""
    open_echo: Callable[[str, int], Opened] | None = None
    """The same calls to the bare echo."""


def _talk() -> Conversation:
    return conversations.with_service(SMALL, steps=_WINDOW)


FORMS = (
    _Form(
        "in calls of their own",
        lambda address, streams: crowd.in_calls_of_their_own(address, _talk(), streams),
        lambda address, streams: crowd.in_calls_of_their_own(
            address, conversations.with_echo(_talk()), streams
        ),
    ),
    _Form(
        "in fleets",
        lambda address, streams: crowd.in_fleets(address, SMALL, _WINDOW, streams),
    ),
)


async def measure(stand: Stand, plan: Plan, progress: Progress) -> Results:
    many = round(MANY * plan.scale)
    rows: list[Row] = []
    notes: list[str] = []
    for form in FORMS:
        progress(f"opening {many:,} idle streams {form.name}")
        quiet, crowded = (stand.service(SMALL, options=_OPTIONS) for _ in range(2))
        before = await _memory_in_use(plan, crowded)
        async with form.open(quiet.address, FEW), form.open(crowded.address, many):
            await asyncio.sleep(_SETTLE)
            held = (crowded.memory_bytes() - before) / many / _KB
            pairs = await _pairs(plan, quiet, crowded, many, form, progress)
        quiet.stop()
        crowded.stop()
        rows += [_memory(held, many, form), row_of(pairs, CPU, _CPU_ASKED)]
        notes.append(_explained(held, many, form))
        if form.open_echo:
            notes.append(await _call_alone(stand, many, form.open_echo))
    return Results(rows, notes)


async def _pairs(
    plan: Plan, quiet: Server, crowded: Server, many: int, form: _Form, progress: Progress
) -> Pairs:
    few, lots = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"{ACTIVE} streams beside {many:,} idle, pair {number} of {plan.rounds}")
        few.append(await _active(plan, quiet))
        lots.append(await _active(plan, crowded))
    return Pairs(
        ACTIVE,
        few,
        lots,
        what=f"beside {many:,} idle {form.name}",
        against=f"beside {FEW}",
    )


async def _active(plan: Plan, server: Server) -> Round:
    return await run_round(
        server.address,
        conversations.with_service(SMALL, steps=round(plan.duration * _HIGHEST_RATE)),
        server.cpu_seconds,
        streams=ACTIVE,
        warm_up=plan.warm_up,
        seconds=plan.seconds,
    )


async def _memory_in_use(plan: Plan, server: Server) -> int:
    """What the first streams ever make the server load is no cost of the idle ones."""
    await _active(plan, server)
    return server.memory_bytes()


def _memory(held: float, streams: int, form: _Form) -> Row:
    return Row(
        what="service",
        against="allowed",
        streams=streams,
        load=f", idle, {form.name}",
        quantity="memory per stream beyond its state",
        unit="KB",
        measured=(held - SMALL.state_bytes / _KB,),
        floor=(_ALLOWED_KB,),
        goal=Goal(1.0),
    )


def _explained(held: float, streams: int, form: _Form) -> str:
    state, kept = SMALL.state_bytes / _KB, _WINDOW * SMALL.output_bytes / _KB
    return (
        f"{streams:,} idle streams {form.name}: {held:.1f} KB of resident memory each: its state "
        f"{state:.1f}, its {_WINDOW} kept outputs {kept:.1f}, the rest {held - state - kept:.1f}"
    )


async def _call_alone(stand: Stand, streams: int, opened: Callable[[str, int], Opened]) -> str:
    """What the transport takes of it."""
    echo = stand.echo(SMALL)
    async with opened(echo.address, FEW):
        pass
    before = echo.memory_bytes()
    async with opened(echo.address, streams):
        await asyncio.sleep(_SETTLE)
        held = (echo.memory_bytes() - before) / streams / _KB
    echo.stop()
    return f"the bare echo holds {held:.1f} KB for each of {streams:,} such calls"


PART = Part(
    "idle",
    "Many open, idle streams",
    measure,
    full=Plan(rounds=5, warm_up=0.5, seconds=1.5),
    quick=Plan(rounds=1, warm_up=0.2, seconds=0.5, scale=0.05),
)
