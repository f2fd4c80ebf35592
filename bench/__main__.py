"""`python -m bench`: measures, prints the table, writes build/bench.json and build/bench.html."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click
import grpc

from bench import parts, report, wording
from bench.load import LoadFailed
from bench.machine import Circumstances
from bench.page.html import page
from bench.part import Part, Results
from bench.process import ServerFailed
from torture.programs import NotInstalled

_NAMES = [part.name for part in parts.PARTS]


@click.command()
@click.option(
    "--only",
    type=click.Choice(_NAMES),
    multiple=True,
    help="a part of the table; may be given several times",
)
@click.option("--quick", is_flag=True, help="few and short rounds: a smoke test")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build"),
    show_default=True,
    help="the folder of bench.json and bench.html",
)
def bench(only: tuple[str, ...], quick: bool, out: Path) -> None:
    """Measure the service against its floors: the bare gRPC echo, and ONNX Runtime alone.

    The servers run on one core, the client on another. Ratios are those of neighbouring
    rounds: the median, and the least and largest.
    """
    here = Circumstances.here()
    click.echo(f"{here.machine}\n{here.versions}\n{here.cores}\n")
    click.echo(report.heading())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    chosen = [part for part in parts.PARTS if part.name in (only or _NAMES)]
    measured = [(part, _measured(part, here, quick=quick)) for part in chosen]
    results = [found for _, found in measured]
    for warning in wording.warnings(results, here):
        click.echo(f"warning: {warning}")
    out.mkdir(parents=True, exist_ok=True)
    report.write_json(results, out / "bench.json")
    (out / "bench.html").write_text(page(measured, here, quick=quick), encoding="utf-8")
    click.echo(f"written: {out / 'bench.json'}, {out / 'bench.html'}")


def _measured(part: Part, here: Circumstances, *, quick: bool) -> Results:
    """Says at once what was found."""
    try:
        results = parts.run(part, here.cores, _progress, quick=quick)
    except (LoadFailed, ServerFailed, NotInstalled) as error:
        raise click.ClickException(f"{part.name}: {error}") from error
    except grpc.aio.AioRpcError as error:
        raise click.ClickException(f"{part.name}: a call failed: {error.details()}") from error
    _progress("")
    click.echo(f"{report.table(part.title, results)}\n")
    return results


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"{text:<60}\r", nl=False, err=True)
    elif text:
        click.echo(text, err=True)


bench(prog_name="python -m bench")
