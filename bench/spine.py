"""One timestep per message: the service and the bare echo, in turns, at several stream counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench import conversations, echo
from bench.load import Conversation, Round, run_round
from bench.machine import Cores
from bench.package import write_gru
from bench.process import READY, Server
from bench.ratios import Pairs

MODEL, FEATURES, HIDDEN = "gru", 16, 128
_HIGHEST_RATE = 50_000
"""Steps per second that one stream is prepared for."""


@dataclass(frozen=True, slots=True)
class Plan:
    streams: Sequence[int]
    rounds: int
    """Of each server, at each number of streams."""
    warm_up: float
    """Seconds, at the start of each round."""
    seconds: float
    """Measured in each round."""

    def duration(self) -> float:
        """Seconds of all rounds together."""
        return 2 * len(self.streams) * self.rounds * (self.warm_up + self.seconds)


class Side(NamedTuple):
    server: Server
    conversation: Conversation


class Sides(NamedTuple):
    floor: Side
    service: Side


@contextmanager
def started(plan: Plan, cores: Cores) -> Iterator[Sides]:
    """Both servers, on the same core. Raises ServerFailed."""
    steps = round((plan.warm_up + plan.seconds) * _HIGHEST_RATE)
    talk = conversations.with_service(MODEL, features=FEATURES, steps=steps)
    with TemporaryDirectory(prefix="stepwire-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        write_gru(folder / "repository", MODEL, features=FEATURES, hidden=HIDDEN)
        size = str(conversations.answer_bytes(HIDDEN))
        floor = Server(
            "bench.echo", [size], ready=echo.READY, core=cores.server, log=folder / "echo.log"
        )
        stack.callback(floor.stop)
        service = Server(
            "service",
            ["--listen", "127.0.0.1:0", "--repository", str(folder / "repository")],
            ready=READY,
            core=cores.server,
            log=folder / "service.log",
        )
        stack.callback(service.stop)
        yield Sides(Side(floor, conversations.with_echo(talk)), Side(service, talk))


async def measure(plan: Plan, sides: Sides, progress: Callable[[str], None]) -> list[Pairs]:
    """Raises LoadFailed."""
    return [await _pairs(plan, sides, streams, progress) for streams in plan.streams]


async def _pairs(plan: Plan, sides: Sides, streams: int, progress: Callable[[str], None]) -> Pairs:
    floor, service = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"{streams} streams, pair {number} of {plan.rounds}")
        floor.append(await _round(plan, sides.floor, streams))
        service.append(await _round(plan, sides.service, streams))
    return Pairs(streams, floor, service)


async def _round(plan: Plan, side: Side, streams: int) -> Round:
    return await run_round(
        side.server.address,
        side.conversation,
        side.server.cpu_seconds,
        streams=streams,
        warm_up=plan.warm_up,
        seconds=plan.seconds,
    )
