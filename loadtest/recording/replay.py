"""`stepwire replay`: recorded streams asked again, and the answers compared."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from loadtest import table
from loadtest.conduct import FAILED, INTERRUPTED
from loadtest.files import writable, write
from loadtest.live import Live
from loadtest.load import Target
from loadtest.parameters import Address, Amount
from loadtest.record import environment
from loadtest.recording import show as contents
from loadtest.recording.player import Player, Replay, Wish, replayable
from loadtest.recording.recording import Recorded, Recording
from loadtest.recording.result import equality, told
from loadtest.report.page import run_page
from loadtest.target import options, target
from loadtest.worker import precise_loop
from stepwire.completing import model_names
from stepwire.refused import Refused


@click.command(short_help="Ask recorded streams again and compare the answers.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@click.argument("address", type=Address(), default="localhost:50051", metavar="[HOST:PORT]")
@click.option("--show", is_flag=True, help="Tell what is in the recording, and replay nothing.")
@click.option("--fast", is_flag=True, help="At no times: as fast as the server answers.")
@click.option(
    "--speed",
    type=Amount(min=0, min_open=True, max=1e6),
    metavar="X",
    help="Times that of the recording.  [default: 1]",
)
@click.option(
    "--model",
    shell_complete=model_names,
    help="Replay against this one instead of those recorded.",
)
@click.option(
    "--version",
    type=click.IntRange(min=1),
    help="Of the model.  [default: as recorded; with --model, the newest]",
)
@click.option(
    "--atol",
    type=Amount(min=0),
    metavar="X",
    help="By how much numbers may differ.  [default: not by a bit]",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="HTML",
    help="Write a page of the latencies that needs nothing but itself.",
)
@options
def replay(
    file: Path,
    address: str,
    show: bool,
    fast: bool,
    speed: float | None,
    model: str | None,
    version: int | None,
    atol: float | None,
    report: Path | None,
    **security: Any,
) -> None:
    """Ask recorded streams again and compare the answers.

    Each stream of the recording is a stream of its own again, of the same inputs. A step is sent
    when it is due by the recording's clock, whether or not those before it were answered, and its
    latency counts from then. The exit code is 1 if an output differs or a step is not answered.
    """
    if show:
        click.echo(contents.told(file))
        return
    if fast and (speed is not None or report):
        raise click.UsageError("--fast has no times: leave out --speed and --report")
    writable(report)
    where = target(address, 1, **security)
    began = datetime.now(UTC)
    wish = Wish(model=model, version=version, speed=None if fast else (speed or 1.0), atol=atol)
    with Recording(file) as recording:
        streams = replayable(recording)
        if not streams:
            raise Refused(f"{file}: no stream is recorded from its first step on, with an answer")
        with asyncio.Runner(loop_factory=precise_loop) as runner:
            made = runner.run(_played(recording, wish, streams, where))
        if not any(each.served for each in made.results):
            raise Refused(f"{address}: {made.results[0].failure or 'interrupted'}")
        click.echo(told(recording, wish, made))
    if not fast and (advice := table.advice(made.outcome)):
        click.echo(f"warning: {advice}", err=True)
    if report:
        facts = {
            "recording": str(file),
            "outputs": equality(wish, made.results),
            **environment(where, began),
        }
        write(report, run_page(made.outcome, facts))
    _exit(made)


async def _played(
    recording: Recording, wish: Wish, streams: list[Recorded], where: Target
) -> Replay:
    return await Player(recording, streams, wish, Live(sys.stderr)).run(where)


def _exit(made: Replay) -> None:
    failed = [each for each in made.results if each.different or each.failure]
    if failed:
        sys.exit(FAILED)
    if made.outcome.interrupted:
        sys.exit(INTERRUPTED)
