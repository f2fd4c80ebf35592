"""From rounds to ratios: each round of a server is compared with the floor's just before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from bench.load import Round


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rounds taken in turns, so that a machine that drifts drifts for both."""

    streams: int
    floor: Sequence[Round]
    service: Sequence[Round]
    what: str = "service"
    against: str = "echo"
    load: str = ""
    """How the streams send, if not one step after the other."""


@dataclass(frozen=True, slots=True)
class Quantity:
    name: str
    unit: str
    of: Callable[[Round], float]
    at_least: bool = False
    """Whether more is better."""


MESSAGE_RATE = Quantity("messages/s", "/s", lambda r: r.rate, at_least=True)
STEP_RATE = Quantity("steps/s", "/s", lambda r: r.rate, at_least=True)
P50 = Quantity("round trip p50", "µs", lambda r: r.p50_us)
P99 = Quantity("round trip p99", "µs", lambda r: r.p99_us)
CPU = Quantity("server CPU per step", "µs", lambda r: r.cpu_us)
CPU_RATE = Quantity("steps per second of server CPU", "/s", lambda r: 1e6 / r.cpu_us, at_least=True)


class Goal(NamedTuple):
    """What a ratio is to be, from the side that its quantity tells."""

    bound: float
    asked: bool = True
    """Otherwise only expected."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: one quantity on both sides, by pairs."""

    what: str
    against: str
    streams: int
    load: str
    """As that of pairs."""
    quantity: str
    unit: str
    measured: Sequence[float]
    floor: Sequence[float]
    goal: Goal | None = None
    at_least: bool = False
    """Whether more is better."""
    apart: float = 0.0
    """How far apart the floor's own rounds lie, as a share of their median rate."""

    @property
    def label(self) -> str:
        """The streams in words, and how they send."""
        return f"{self.streams:,} stream{'s' if self.streams > 1 else ''}{self.load}"

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in zip(self.measured, self.floor, strict=True)]

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def reached(self) -> bool:
        """True where there is no goal."""
        if self.goal is None:
            return True
        return self.ratio >= self.goal.bound if self.at_least else self.ratio <= self.goal.bound

    @property
    def unit_cost_us(self) -> float | None:
        """Of one message, by the median; None of what is no time."""
        figure = median(self.measured)
        return {"µs": figure, "/s": 1e6 / figure}.get(self.unit)


def row_of(pairs: Pairs, quantity: Quantity, goal: Goal | None = None) -> Row:
    return Row(
        what=pairs.what,
        against=pairs.against,
        streams=pairs.streams,
        load=pairs.load,
        quantity=quantity.name,
        unit=quantity.unit,
        measured=tuple(map(quantity.of, pairs.service)),
        floor=tuple(map(quantity.of, pairs.floor)),
        goal=goal,
        at_least=quantity.at_least,
        apart=spread(pairs.floor),
    )


def spread(rounds: Sequence[Round]) -> float:
    """How far apart the rounds' rates lie, as a share of their median."""
    rates = [round_.rate for round_ in rounds]
    return (max(rates) - min(rates)) / median(rates)
