"""From rounds to ratios: each round of a server is compared with the floor's just before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

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

    @property
    def label(self) -> str:
        return f"{self.streams} stream{'s' if self.streams > 1 else ''}{self.load}"


@dataclass(frozen=True, slots=True)
class Quantity:
    name: str
    of: Callable[[Round], float]
    unit_cost_us: Callable[[Round], float]
    """The same as a cost of one message."""
    at_least: bool
    """Whether more is better."""


RATE = Quantity("messages/s", lambda r: r.rate, lambda r: 1e6 / r.rate, at_least=True)
P50 = Quantity("round trip p50", lambda r: r.p50_us, lambda r: r.p50_us, at_least=False)
P99 = Quantity("round trip p99", lambda r: r.p99_us, lambda r: r.p99_us, at_least=False)
CPU = Quantity("server CPU per message", lambda r: r.cpu_us, lambda r: r.cpu_us, at_least=False)
QUANTITIES = (RATE, P50, P99, CPU)

TARGETS = {
    ("service", "64 streams", RATE): 0.8,
    ("service", "1 stream", P50): 1.8,
    ("fleet", "256 streams a message", RATE): 0.75,
    ("fleet", "64 streams a message", RATE): 10.0,
    ("coalesced", "256 streams of a client", CPU): 0.2,
    ("sqlite", "64 streams", CPU): 1.15,
    ("redis", "64 streams", CPU): 1.15,
}
"""Over the floor: by what is measured, how it is loaded, and the quantity. Of a fleet each step
counts as a message."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Median, least and largest of the pairs."""

    what: str
    against: str
    ratio: float
    min: float
    max: float
    unit_cost_us: float
    """Median of `what`."""
    target: float | None = None
    at_least: bool = False

    @property
    def reached(self) -> bool:
        """True where no target is set."""
        if self.target is None:
            return True
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target


def ratio_of(pairs: Pairs, quantity: Quantity) -> Ratio:
    """The service's quantity over the floor's."""
    ratios = [
        quantity.of(service) / quantity.of(floor)
        for floor, service in zip(pairs.floor, pairs.service, strict=True)
    ]
    return Ratio(
        what=f"{pairs.what}, {pairs.label}: {quantity.name}",
        against=pairs.against,
        ratio=median(ratios),
        min=min(ratios),
        max=max(ratios),
        unit_cost_us=median(map(quantity.unit_cost_us, pairs.service)),
        target=TARGETS.get((pairs.what, pairs.label, quantity)),
        at_least=quantity.at_least,
    )


def spread(rounds: Sequence[Round]) -> float:
    """How far apart the rounds' rates lie, as a share of their median."""
    rates = [round_.rate for round_ in rounds]
    return (max(rates) - min(rates)) / median(rates)
