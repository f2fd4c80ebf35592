"""`stepwire load`: how a server fares under a load that does not wait for it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import click

from loadtest.conduct import INTERRUPTED, MOST_STREAMS, Bench, Files, run, search_highest
from loadtest.crew import Crew
from loadtest.criteria import BadCriterion, Criterion, criterion
from loadtest.endings import Interrupted, LoaderDied, LoadRefused
from loadtest.files import writable
from loadtest.interrupts import Interrupts
from loadtest.live import Live
from loadtest.load import Arrivals, Load, Protocol
from loadtest.parameters import Address, Amount
from loadtest.target import options, target
from stepwire.completing import model_names
from stepwire.refused import Refused

_STREAMS, _RATE = 16, 20.0
_DURATION, _TRIAL = 10.0, 3.0


class Expression(click.ParamType[Criterion]):
    name = "criterion"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Criterion:
        try:
            return value if isinstance(value, Criterion) else criterion(value)
        except BadCriterion as error:
            self.fail(str(error), param, ctx)


@click.command(short_help="Load a server and measure latency from when each step was due.")
@click.argument("address", type=Address(), default="localhost:50051", metavar="[HOST:PORT]")
@click.option("--model", required=True, shell_complete=model_names, help="As the server calls it.")
@click.option("--version", type=click.IntRange(min=1), help="Of the model.  [default: the newest]")
@click.option(
    "--protocol",
    type=click.Choice(get_args(Protocol)),
    default="native",
    show_default=True,
    help="A call for each stream, fleets that share calls, or Triton's ModelStreamInfer.",
)
@click.option(
    "--streams",
    type=click.IntRange(1, MOST_STREAMS),
    default=_STREAMS,
    show_default=True,
    help="How many there are, all processes together.",
)
@click.option(
    "--rate",
    type=Amount(min=0, min_open=True, max=1e6),
    metavar="HZ",
    help=f"Steps a second of each stream.  [default: {_RATE:g}]",
)
@click.option(
    "--closed-loop", is_flag=True, help="Each step waits for the answer before it, at no rate."
)
@click.option(
    "--arrivals",
    type=click.Choice(get_args(Arrivals)),
    help="Streams' steps spread evenly over the period, at random, or all due together.  "
    "[default: together for fleets, else even]",
)
@click.option(
    "--duration",
    type=Amount(min=0.1, max=1e6),
    metavar="S",
    help=f"Seconds that are measured.  [default: {_DURATION:g}; {_TRIAL:g} for each trial of "
    "--find-max]",
)
@click.option(
    "--ramp",
    type=Amount(min=0, max=1e6),
    default=1.0,
    show_default=True,
    metavar="S",
    help="Seconds before, in which streams begin one after another; not measured.",
)
@click.option(
    "--drain",
    type=Amount(min=0, max=1e6),
    metavar="S",
    help="Seconds after, in which answers are awaited.  [default: 5; 1 for each trial]",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="That make the load.",
)
@click.option(
    "--connections",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Of each process.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of inputs.")
@click.option(
    "--fail-if",
    type=Expression(),
    multiple=True,
    metavar="EXPR",
    help="Exit with 1 if it is so: 'p99>5ms', 'errors>0', 'rate<1000', 'miss>1%'. Repeatable.",
)
@click.option(
    "--find-max",
    type=Expression(),
    multiple=True,
    metavar="EXPR",
    help="Search the highest load for which this holds: 'p99<10ms'. The streams' rate rises, or "
    "with --rate their number. Repeatable.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="HTML",
    help="Write a page that needs nothing but itself.",
)
@click.option(
    "--json",
    "json_",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="JSON",
    help="Write the figures.",
)
@options
def load(
    address: str,
    model: str,
    version: int | None,
    protocol: Protocol,
    streams: int,
    rate: float | None,
    closed_loop: bool,
    arrivals: Arrivals | None,
    duration: float | None,
    ramp: float,
    drain: float | None,
    processes: int,
    connections: int,
    seed: int,
    fail_if: tuple[Criterion, ...],
    find_max: tuple[Criterion, ...],
    report: Path | None,
    json_: Path | None,
    **security: Any,
) -> None:
    """Load a server and measure latency from when each step was due.

    Steps are sent when they are due, whether or not those before them were answered, so that a
    server which stalls is seen to stall. Figures leave out the ramp. Ctrl-C ends a run early, and
    what was measured is still told.
    """
    if closed_loop and (rate is not None or find_max):
        raise click.UsageError("a closed loop has no rate: leave out --rate and --find-max")
    if find_max and fail_if:
        raise click.UsageError("a search fails where nothing holds: leave out --fail-if")
    if report and json_ and report.resolve() == json_.resolve():
        raise click.UsageError("--report and --json name the same file")
    asked = Load(
        model=model,
        version=version,
        protocol=protocol,
        streams=streams,
        rate=None if closed_loop else (rate or _RATE),
        arrivals=arrivals or ("together" if protocol == "fleet" else "even"),
        duration=duration or (_TRIAL if find_max else _DURATION),
        ramp=ramp,
        drain=drain if drain is not None else (1.0 if find_max else 5.0),
        seed=seed,
    )
    for each in (*fail_if, *find_max):
        if reason := each.unmeasurable(asked):
            raise click.UsageError(reason)
    for file in (report, json_):
        writable(file)
    where = target(address, connections, **security)
    files = Files(where, datetime.now(UTC), report, json_)
    try:
        with (
            Interrupts() as interrupts,
            Crew(where, processes, interrupts, timed=not closed_loop) as crew,
        ):
            bench = Bench(crew, Live(sys.stderr))
            if find_max:
                search_highest(bench, asked, find_max, by_streams=rate is not None, files=files)
            else:
                run(bench, asked, fail_if, files)
    except LoadRefused as error:
        raise Refused(f"{address}: {error}") from error
    except LoaderDied as error:
        raise Refused(str(error)) from error
    except (Interrupted, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
