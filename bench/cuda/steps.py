"""A step of the device path against torch on the same device and against the naive arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.cuda.rounds import Plan, by_turns
from bench.cuda.sides import Side, inputs
from bench.load import Round
from bench.package import LARGE, Network
from bench.ratios import STEP_RATE, Goal, Pairs, Quantity, Row, row_of

OURS, TORCH, BARE, NAIVE = "Stepwire", "torch", "torch, nothing over the bus", "naive arena"
OVER_TORCH, FROM_ROWS = Goal(1.2), 1024
"""What a step may take over torch's, from so many streams on."""
OVER_NAIVE, NAIVE_AT = Goal(5.0), (LARGE.name, 4096)
"""Steps per second over the naive arena's, at that model and number of streams."""

STEP_P50 = Quantity("step p50", "µs", lambda r: r.p50_us)
STEP_P99 = Quantity("step p99", "µs", lambda r: r.p99_us)


class Taken(NamedTuple):
    """What one side gave."""

    rounds: Sequence[Round]
    bus_bytes: int
    """Of a step."""


class Measured(NamedTuple):
    """One model at one number of streams."""

    network: Network
    rows: int
    sides: Mapping[str, Taken]
    """By their names."""

    def pairs(self, floor: str) -> Pairs:
        return Pairs(
            streams=self.rows,
            floor=self.sides[floor].rounds,
            service=self.sides[OURS].rounds,
            what=str(self.network),
            against=floor,
        )


def measure(network: Network, sides: Sequence[Side], rows: int, plan: Plan) -> Measured:
    data = inputs(rows, network.features)
    for side in sides:
        side.begin(data)
    rounds = by_turns(sides, rows, plan)
    return Measured(
        network,
        rows,
        {
            side.name: Taken(each, side.bus_bytes())
            for side, each in zip(sides, rounds, strict=True)
        },
    )


def fixed(network: Network, padded: Side, fitting: Side, rows: int, plan: Plan) -> Row:
    """A step in runs of one size over a step in runs of fitting size."""
    data = inputs(rows, network.features)
    for side in (padded, fitting):
        side.begin(data)
    ours, floor = by_turns((padded, fitting), rows, plan)
    pairs = Pairs(rows, floor, ours, what=str(network), against="runs of fitting size")
    return row_of(pairs, STEP_P50)


def rows_of(measured: Measured, *, asked: bool) -> list[Row]:
    """`asked`: whether the goals hold, which are those of a device."""
    torch, bare, naive = (measured.pairs(name) for name in (TORCH, BARE, NAIVE))
    wide = asked and measured.rows >= FROM_ROWS
    at_naive = asked and (measured.network.name, measured.rows) == NAIVE_AT
    return [
        row_of(torch, STEP_P50, OVER_TORCH if wide else None),
        row_of(torch, STEP_P99),
        row_of(bare, STEP_P50),
        row_of(naive, STEP_RATE, OVER_NAIVE if at_naive else None),
        *_bus(measured),
    ]


def _bus(measured: Measured) -> list[Row]:
    """None where nothing crosses a bus."""
    ours, naive = measured.sides[OURS], measured.sides[NAIVE]
    if not naive.bus_bytes:
        return []
    row = Row(
        what=str(measured.network),
        against=NAIVE,
        streams=measured.rows,
        load="",
        quantity="bytes over the bus per step",
        unit="bytes",
        measured=(ours.bus_bytes,),
        floor=(naive.bus_bytes,),
    )
    return [row]
