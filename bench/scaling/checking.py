"""The simulation against the service: loads that no constant was fitted to."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.scaling.constants import LARGE, SMALL, Constants
from bench.scaling.costs import loading as client_costs
from bench.scaling.costs import serving
from bench.scaling.load import Load, Measured
from bench.scaling.rounds import Plan, Progress, in_turn, loading, singles
from bench.scaling.servers import Place
from bench.scaling.simulation import Sides, closed_loop, open_loop, periodic
from stepwire.refused import Refused

FILE = Path(__file__).with_name("checked.json")
_SECONDS = 4.0
"""Of a simulation."""


@dataclass(frozen=True, slots=True)
class Case:
    model: str
    load: Load


CASES = {
    "64 streams, closed loop": Case(SMALL, Load(64)),
    "the same, each on a connection of its own": Case(SMALL, Load(64, connections=64)),
    "64 streams, closed loop, GRU 2 × 256": Case(LARGE, Load(64)),
    "1,000 streams at 1 Hz": Case(SMALL, Load(1000, 1)),
    "200 streams at 10 Hz": Case(SMALL, Load(200, 10)),
    "50 streams at 50 Hz": Case(SMALL, Load(50, 50)),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Times in microseconds."""

    cpu: float
    """The server's, per step."""
    batch: float
    p50: float
    p99: float

    @classmethod
    def of(cls, measured: Measured) -> Figures:
        return cls(measured.server_us, measured.batch, measured.p50_us, measured.p99_us)


def sides_of(constants: Constants, model: str) -> Sides:
    """Server and client as they are measured, for single steps."""
    client = constants.client
    return Sides(serving(constants, model), client_costs(client), client.wire_us)


def expected(constants: Constants, case: Case, seconds: float = _SECONDS) -> Figures:
    """What the simulation says."""
    sides, load = sides_of(constants, case.model), case.load
    if load.rate_hz:
        arrivals = periodic(load.calls, load.rate_hz, seconds).tolist()
        outcome = open_loop(sides, arrivals, seconds)
    else:
        outcome = closed_loop(sides, load.calls, seconds)
    return Figures(outcome.server_us, outcome.batch, outcome.trip_us(50), outcome.trip_us(99))


@dataclass(frozen=True, slots=True)
class Checked:
    """What the service did."""

    loads: Mapping[str, Figures]
    """By case."""
    measured: str
    """Where, with what, and when."""


async def check(plan: Plan, place: Place, progress: Progress) -> Checked:
    """Raises LoadFailed, ServerFailed."""
    service = place.service()
    loads = {
        name: loading(service, singles(case.model, case.load.calls), case.load, plan)
        for name, case in CASES.items()
    }
    measured = await in_turn(plan, loads, progress)
    return Checked({name: Figures.of(each) for name, each in measured.items()}, place.circumstances)


def read(path: Path = FILE) -> Checked:
    """Raises Refused."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        loads = {name: Figures(**found["loads"][name]) for name in CASES}
        return Checked(loads, str(found["measured"]))
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise Refused(
            f"{path}: {error!r}: write it again with python -m bench.scaling check"
        ) from error


def write(checked: Checked, path: Path = FILE) -> None:
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(asdict(checked), indent=2) + "\n", encoding="utf-8")
    os.replace(beside, path)
