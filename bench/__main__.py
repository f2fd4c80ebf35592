"""`python -m bench`: measures, prints the ratios, and writes build/bench.json."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import click
import uvloop

from bench import fleets, machine, report, saving, spine
from bench.load import LoadFailed
from bench.process import ServerFailed, pinned_to
from bench.ratios import Pairs

_RESULTS = Path("build/bench.json")


class _Numbers(click.ParamType[tuple[int, ...]]):
    name = "N,N,..."

    def convert(
        self, value: object, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[int, ...]:
        try:
            numbers = tuple(map(int, str(value).split(",")))
        except ValueError:
            numbers = ()
        if not numbers or not all(1 <= number <= 1024 for number in numbers):
            self.fail(f"{value!r} is not a list of numbers from 1 to 1024", param, context)
        return numbers


@click.command()
@click.option("--streams", type=_Numbers(), default="1,16,64,256", show_default=True)
@click.option("--rounds", type=click.IntRange(1, 100), help="pairs at each number of streams")
@click.option("--quick", is_flag=True, help="few and short rounds: a smoke test")
def bench(streams: tuple[int, ...], rounds: int | None, quick: bool) -> None:
    """Measure the service against a bare gRPC echo, one timestep per message.

    The servers run on one core, the client on another. Ratios are those of neighbouring
    rounds: the median, and the least and largest.
    """
    if quick:
        plan = spine.Plan(streams, rounds or 3, warm_up=0.1, seconds=0.3)
        together = fleets.Plan(rounds or 2, warm_up=0.2, seconds=0.3)
        keeping = saving.Plan(rounds or 2, warm_up=0.2, seconds=0.5)
    else:
        plan = spine.Plan(streams, rounds or 7, warm_up=0.25, seconds=1.0)
        together = fleets.Plan(rounds or 5, warm_up=0.5, seconds=1.5)
        keeping = saving.Plan(rounds or 5, warm_up=0.5, seconds=2.0)
    seconds = plan.duration() + together.duration() + keeping.duration()
    cores, load_average = machine.Cores.choose(), machine.load_average()
    click.echo(f"{machine.description()}\n{cores}; about {seconds:.0f} s of rounds")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    try:
        measured = _measure(plan, cores)
        measured += _measure_fleets(together, cores)
        measured += _measure_saving(keeping, cores)
    except (LoadFailed, ServerFailed) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"\n{report.table(measured)}\n\n{report.targets(measured)}")
    for warning in report.warnings(measured, load_average):
        click.echo(f"warning: {warning}")
    report.write_json(measured, _RESULTS)
    click.echo(f"written: {_RESULTS}")


def _measure(plan: spine.Plan, cores: machine.Cores) -> list[Pairs]:
    with (
        spine.started(plan, cores) as sides,
        pinned_to(cores.client),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(spine.measure(plan, sides, _progress))


def _measure_fleets(plan: fleets.Plan, cores: machine.Cores) -> list[Pairs]:
    with (
        fleets.started(cores) as sides,
        pinned_to(cores.client),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(fleets.measure(plan, sides, _progress))


def _measure_saving(plan: saving.Plan, cores: machine.Cores) -> list[Pairs]:
    with (
        saving.started(cores) as servers,
        pinned_to(cores.client),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(saving.measure(plan, servers, _progress))


def _progress(text: str) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    click.echo(f"{text:<40}{end}", nl=False, err=True)


bench(prog_name="python -m bench")
