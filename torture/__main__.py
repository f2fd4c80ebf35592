"""`python -m torture`: every scenario at full size, one table, build/torture.json."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import uvloop

from torture import report
from torture.burst import open_all_at_once
from torture.churn import let_streams_come_and_go
from torture.crashes import crash_under_load
from torture.cuts import cut_at_every_point
from torture.fleet_crashes import crash_under_fleets
from torture.fleet_cuts import cut_fleets_at_every_point
from torture.fleet_mix import mix_fleets
from torture.flood import flood_and_read_nothing
from torture.malformed import flood_with_malformed_messages
from torture.overload import offer_twice_the_load
from torture.programs import NotInstalled
from torture.report import Finding
from torture.rolling import restart_every_replica
from torture.sequences import crash_under_sequences
from torture.store_faults import Fault, take_the_store_away
from torture.two_owners import Parting, give_streams_two_owners

_RESULTS = Path("build/torture.json")
_UP = (0.0, 2.0)
"""Seconds between a start and the next kill -9."""
Scenario = Callable[[Path, int], Coroutine[Any, Any, Any]]

SCENARIOS: dict[str, Scenario] = {
    "kill-sqlite": lambda ground, seed: crash_under_load(
        ground, store="sqlite", crashes=100, streams=16, up=_UP, seed=seed
    ),
    "kill-redis": lambda ground, seed: crash_under_load(
        ground, store="redis", crashes=100, streams=16, up=_UP, seed=seed
    ),
    "store-faults": lambda ground, _: take_the_store_away(
        ground, faults=[*Fault] * 3, away=3.0, streams=16
    ),
    "two-owners": lambda ground, _: give_streams_two_owners(
        ground, partings=[*Parting] * 3, streams=8
    ),
    "cuts": lambda ground, _: cut_at_every_point(ground, in_flight=(1, 8), stride=1),
    "fleet-cuts": lambda ground, _: cut_fleets_at_every_point(ground, stride=1),
    "fleet-kills": lambda ground, seed: crash_under_fleets(
        ground, crashes=24, streams=16, up=(0.5, 2.5), seed=seed
    ),
    "fleet-mix": lambda ground, seed: mix_fleets(
        ground, rounds=100, fleets=4, streams=12, seed=seed
    ),
    "sequence-kills": lambda ground, seed: crash_under_sequences(
        ground, store="sqlite", crashes=24, sequences=16, up=(0.5, 2.5), seed=seed
    ),
    "malformed": lambda ground, seed: flood_with_malformed_messages(
        ground, messages=100_000, streams=16, seed=seed
    ),
    "overload": lambda ground, seed: offer_twice_the_load(
        ground,
        hidden=512,
        rate_hz=50.0,
        rounds=5,
        seconds=6.0,
        most_ratio=2.0,
        most_grown=64 * 2**20,
        seed=seed,
    ),
    "deaf-flood": lambda ground, _: flood_and_read_nothing(
        ground, clients=64, messages=20_000, most_grown=64 * 2**20
    ),
    "burst": lambda ground, _: open_all_at_once(ground, streams=8_000),
    "churn": lambda ground, seed: let_streams_come_and_go(
        ground, steps=3_000_000, streams=2_000, idle_limit=15.0, most_growth=0.02, seed=seed
    ),
    "rolling": lambda ground, _: restart_every_replica(ground, replicas=3, rounds=3, streams=32),
}
"""By name: in an empty folder, with a seed of all chance."""


@click.command()
@click.option("--only", type=click.Choice([*SCENARIOS]), multiple=True, help="scenarios to run")
@click.option("--seed", type=int, help="of all chance; drawn and printed if not given")
def torture(only: tuple[str, ...], seed: int | None) -> None:
    """Crash, cut, flood and part servers under load; exit 1 if a promise is broken."""
    seed = time.time_ns() % 2**31 if seed is None else seed
    names = only or tuple(SCENARIOS)
    click.echo(f"seed {seed}; {len(names)} scenarios")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    # gRPC binds itself to the first event loop of a process: all scenarios share one.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        findings = []
        for number, name in enumerate(names, 1):
            click.echo(f"{number} of {len(names)}: {name}", err=True)
            findings.append(runner.run(_judged(name, SCENARIOS[name], seed)))
    click.echo(report.table(findings))
    report.write_json(findings, _RESULTS)
    click.echo(f"written: {_RESULTS}")
    sys.exit(any(finding.broken for finding in findings))


async def _judged(name: str, scenario: Scenario, seed: int) -> Finding:
    started = time.monotonic()
    figures, broken, missing = None, "", ""
    with TemporaryDirectory(prefix="stepwire-torture-") as ground:
        try:
            figures = await scenario(Path(ground), seed)
        except* NotInstalled as error:
            missing = _told(error)
        except* Exception as faults:  # whatever it is, the others are run and told
            broken = _told(faults)
    if missing:
        raise click.ClickException(missing)
    return Finding(name, time.monotonic() - started, figures, broken)


def _told(error: BaseException) -> str:
    """The first of what happened at once."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    torture(prog_name="python -m torture")
