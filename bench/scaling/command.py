"""The commands of `python -m bench.scaling`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TypeVar

import click
import uvloop

from bench import machine
from bench.load import LoadFailed
from bench.process import ServerFailed, pinned_to
from bench.scaling import checking, constants, page, tables
from bench.scaling.checking import sides_of
from bench.scaling.measuring import measure as measured
from bench.scaling.rounds import Plan
from bench.scaling.servers import Place, place
from bench.scaling.simulation import closed_loop, open_loop, periodic, poisson
from stepwire.refused import Refused
from torture.programs import NotInstalled

T = TypeVar("T")

_rounds = click.option(
    "--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="of each load"
)


@click.group()
def scaling() -> None:
    """Scaling on paper: docs/scaling.md."""


@scaling.command()
@_rounds
def measure(rounds: int) -> None:
    """Measure the constants again and write bench/scaling/constants.toml: about two minutes."""
    found = _with_servers(lambda where: measured(Plan(rounds), where, _progress))
    constants.write(found)
    for each in constants.told(found):
        click.echo(f"{each.name:<40}{each.value:>12,.1f} {each.unit}")


@scaling.command()
def table() -> None:
    """Print what the committed constants come to."""
    for name, block in page.sums(constants.read()).items():
        click.echo(f"{name}\n\n{block}\n")


@scaling.command()
@click.option("--model", type=click.Choice(list(tables.MODELS)), default=constants.SMALL)
@click.option("--streams", type=click.IntRange(1, 100_000), default=64, show_default=True)
@click.option(
    "--rate", type=click.FloatRange(0.01, 10_000), help="Hz of each; left out: closed loop"
)
@click.option(
    "--arrivals", type=click.Choice(["periodic", "poisson"]), default="periodic", show_default=True
)
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True)
def simulate(model: str, streams: int, rate: float | None, arrivals: str, seconds: float) -> None:
    """Simulate one server core under single steps."""
    found = constants.read()
    sides = sides_of(found, model)
    if rate is None:
        outcome = closed_loop(sides, streams, seconds)
    elif arrivals == "poisson":
        outcome = open_loop(sides, poisson(streams * rate, seconds).tolist(), seconds)
    else:
        outcome = open_loop(sides, periodic(streams, rate, seconds).tolist(), seconds)
    click.echo(tables.outcome(outcome))


@scaling.command()
@_rounds
def check(rounds: int) -> None:
    """Run the service under loads that nothing was fitted to; write bench/scaling/checked.json."""
    found = constants.read()
    real = _with_servers(lambda where: checking.check(Plan(rounds), where, _progress))
    checking.write(real)
    click.echo(tables.checks(found, real))


@scaling.command()
def write() -> None:
    """Write the tables of docs/scaling.md anew, from what measure and check have left."""
    page.write(page.blocks(constants.read(), checking.read()))


def _with_servers(work: Callable[[Place], Awaitable[T]]) -> T:
    cores = machine.Cores.choose()
    click.echo(f"{cores}; load average {os.getloadavg()[0]:.2f}", err=True)
    try:
        with ExitStack() as stack:
            where = stack.enter_context(place(cores))
            stack.enter_context(pinned_to(cores.client))
            runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
            return runner.run(_awaited(work(where)))
    except (LoadFailed, ServerFailed, NotInstalled) as error:
        raise Refused(str(error)) from error


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _progress(text: str) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    click.echo(f"{text:<60}{end}", nl=False, err=True)
