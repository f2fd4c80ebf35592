"""One step per message, each stream in a call of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import NamedTuple

from bench import batches, conversations
from bench.arithmetic import Arithmetic
from bench.batches import Histogram
from bench.load import Conversation, Round, run_round
from bench.package import LAYERED, SMALL, Network
from bench.part import Part, Plan, Progress, Results
from bench.process import Server
from bench.ratios import CPU, MESSAGE_RATE, P50, P99, Goal, Pairs, Row, row_of
from bench.stand import Stand

BOTH = "echo + arithmetic"
"""The floor of a step: a message, and ONNX Runtime at the batch sizes that occurred."""
_ASKED, _EXPECTED = Goal(1.15), Goal(0.9, asked=False)
_HIGHEST_RATE = 50_000
"""Steps per second that one stream is prepared for."""
_ARITHMETIC_SHARE = 0.1
"""Seconds at each batch size, of those that a round measures."""
_INTERPOLATED = (
    "ONNX Runtime is measured after each round at up to five of the batch sizes that occurred, "
    "from the smallest to the largest; the cost of a run of another size is interpolated linearly"
)


class Load(NamedTuple):
    network: Network
    streams: int
    asked: bool

    @property
    def text(self) -> str:
        return "" if self.network == SMALL else f" of {self.network}"


LOADS = (
    Load(SMALL, 1, asked=False),
    Load(SMALL, 16, asked=False),
    Load(SMALL, 64, asked=True),
    Load(SMALL, 256, asked=True),
    Load(LAYERED, 64, asked=True),
)


class _Sides(NamedTuple):
    echo: Server
    service: Server
    arithmetic: Arithmetic
    talk: Conversation


class _Measured(NamedTuple):
    echo: list[Round]
    service: list[Round]
    arithmetic_us: list[float]
    """CPU per step, at the batch sizes of the service's round."""


async def measure(stand: Stand, plan: Plan, progress: Progress) -> Results:
    service = stand.service(SMALL, LAYERED)
    steps = round(plan.duration * _HIGHEST_RATE)
    sides = {
        network: _Sides(
            stand.echo(network),
            service,
            stand.arithmetic(network),
            conversations.with_service(network, steps=steps),
        )
        for network in (SMALL, LAYERED)
    }
    rows: list[Row] = []
    notes: list[str] = []
    occurred: dict[str, Histogram] = {}
    for load in LOADS:
        measured = await _pairs(plan, sides[load.network], load, progress)
        rows += _rows(load, measured)
        label = rows[-1].label
        occurred[label] = batches.joined([round_.batches for round_ in measured.service])
        notes.append(f"{label}: {_explained(measured, occurred[label])}")
    return Results(rows, [*notes, _INTERPOLATED], occurred)


async def _pairs(plan: Plan, sides: _Sides, load: Load, progress: Progress) -> _Measured:
    measured = _Measured([], [], [])
    for number in range(1, plan.rounds + 1):
        progress(f"{load.streams} streams{load.text}, pair {number} of {plan.rounds}")
        echo = conversations.with_echo(sides.talk)
        measured.echo.append(await _round(plan, sides.echo, echo, load.streams))
        served = await _round(plan, sides.service, sides.talk, load.streams)
        measured.service.append(served)
        costs = _arithmetic(sides.arithmetic, served.batches, _ARITHMETIC_SHARE * plan.seconds)
        measured.arithmetic_us.append(batches.cost_per_step(served.batches, costs))
    return measured


async def _round(plan: Plan, server: Server, talk: Conversation, streams: int) -> Round:
    return await run_round(
        server.address,
        talk,
        server.cpu_seconds,
        streams=streams,
        warm_up=plan.warm_up,
        seconds=plan.seconds,
    )


def _arithmetic(arithmetic: Arithmetic, occurred: Histogram, seconds: float) -> Mapping[int, float]:
    """Batch size → CPU per row, µs."""
    sizes = batches.representative(occurred)
    return {size: arithmetic.round(size, seconds).cpu_us for size in sizes}


def _rows(load: Load, measured: _Measured) -> Sequence[Row]:
    pairs = Pairs(load.streams, measured.echo, measured.service, load=load.text)
    both = [
        replace(echo, cpu_us=echo.cpu_us + arithmetic_us)
        for echo, arithmetic_us in zip(measured.echo, measured.arithmetic_us, strict=True)
    ]
    stepped = Pairs(load.streams, both, measured.service, against=BOTH, load=load.text)
    return (
        row_of(stepped, CPU, _ASKED if load.asked else None),
        row_of(pairs, MESSAGE_RATE, _EXPECTED if load.asked else None),
        row_of(pairs, P50),
        row_of(pairs, P99),
        row_of(pairs, CPU),
    )


def _explained(measured: _Measured, occurred: Histogram) -> str:
    echo = median(round_.cpu_us for round_ in measured.echo)
    busy = median(round_.busy for round_ in measured.service)
    arithmetic, mean = median(measured.arithmetic_us), batches.mean_size(occurred)
    return (
        f"a message costs the echo {echo:.1f} µs, a step ONNX Runtime {arithmetic:.1f} µs; answers "
        f"came from batches of {min(occurred)} to {max(occurred)}, {mean:.0f} in the mean; the "
        f"service was at work {busy:.0%} of the time"
    )


PART = Part(
    "messages",
    "One step per message",
    measure,
    full=Plan(rounds=7, warm_up=0.25, seconds=1.0),
    quick=Plan(rounds=1, warm_up=0.1, seconds=0.3),
)
