"""What it costs to save streams: the service with a store, and without, in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench import conversations
from bench.load import Round, run_round
from bench.machine import Cores
from bench.package import write_gru
from bench.process import READY, Server, pinned_to
from bench.ratios import Pairs
from bench.spine import FEATURES, HIDDEN, MODEL
from torture.redis_server import RedisServer

_FLOOR = "memory"
_HIGHEST_RATE = 5_000
"""Steps per second that one stream is prepared for."""


class Load(NamedTuple):
    streams: int
    pause: float
    """Seconds that a stream waits after each answer."""
    text: str


LOADS = (Load(64, 0.0, ""), Load(1000, 1.0, " at 1 Hz"))


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    warm_up: float
    seconds: float

    def duration(self) -> float:
        """Seconds of all rounds together."""
        return 4 * len(LOADS) * self.rounds * (self.warm_up + self.seconds)


@contextmanager
def started(cores: Cores) -> Iterator[dict[str, Server]]:
    """The service with each store, all on the same core; Redis is on the client's."""
    with TemporaryDirectory(prefix="stepwire-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        write_gru(folder / "repository", MODEL, features=FEATURES, hidden=HIDDEN)
        with pinned_to(cores.client):
            redis = RedisServer(folder)
        stack.callback(redis.stop)
        stores = {_FLOOR: _FLOOR, "sqlite": f"sqlite:{folder / 'streams.db'}", "redis": redis.url}
        servers = {}
        for kind, store in stores.items():
            servers[kind] = Server(
                "service",
                [
                    *("--listen", "127.0.0.1:0", "--repository", str(folder / "repository")),
                    *("--store", store),
                ],
                ready=READY,
                core=cores.server,
                log=folder / f"{kind}.log",
            )
            stack.callback(servers[kind].stop)
        yield servers


async def measure(
    plan: Plan, servers: dict[str, Server], progress: Callable[[str], None]
) -> list[Pairs]:
    """Raises LoadFailed."""
    found = []
    for load in LOADS:
        for kind in servers:
            if kind != _FLOOR:
                found.append(await _pairs(plan, servers, kind, load, progress))
    return found


async def _pairs(
    plan: Plan,
    servers: dict[str, Server],
    kind: str,
    load: Load,
    progress: Callable[[str], None],
) -> Pairs:
    floor, stored = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"{load.streams} streams{load.text}, {kind}, pair {number} of {plan.rounds}")
        floor.append(await _round(plan, servers[_FLOOR], load))
        stored.append(await _round(plan, servers[kind], load))
    return Pairs(load.streams, floor, stored, what=kind, against=_FLOOR, load=load.text)


async def _round(plan: Plan, server: Server, load: Load) -> Round:
    steps = round((plan.warm_up + plan.seconds) * _HIGHEST_RATE)
    return await run_round(
        server.address,
        conversations.with_service(MODEL, features=FEATURES, steps=steps),
        server.cpu_seconds,
        streams=load.streams,
        warm_up=plan.warm_up,
        seconds=plan.seconds,
        pause=load.pause,
    )
