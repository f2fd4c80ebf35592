"""`stepwire demo forecast`."""

from __future__ import annotations

from pathlib import Path

import click

from demo.pace import waiting
from demo.stage import ending, require, served, service_options, speed_option, streaming
from models.cli import Refused
from stepwire.completing import model_names

RATE = 14
"""Held-out rows a second."""


@click.command(
    short_help="Forecast a series as it arrives.",
    context_settings={"show_default": True},
)
@click.option(
    "--model", shell_complete=model_names, default="sales-gru", help="Served model that forecasts."
)
@click.option("--csv", metavar="FILE", help="Left out, a made-up shop's daily sales.")
@click.option("--time", metavar="COLUMN", help="Dates, times or numbers.  [default: first]")
@click.option("--delimiter", metavar="CHARACTER", help="Found by itself if left out.")
@click.option(
    "--season",
    type=click.IntRange(1),
    help="Rows of a season; of even daily rows 7, for example, if left out.",
)
@speed_option(f"{RATE} rows a second")
@service_options
def forecast(
    model: str,
    csv: str | None,
    time: str | None,
    delimiter: str | None,
    season: int | None,
    speed: float,
    repository: Path | None,
    connect: str | None,
) -> None:
    """Stream a series to a served network, which forecasts its next values at each row.

    The model says which columns it reads and which it predicts. The first rows, those that it was
    trained on if the file is the same, only prepare its state and are sent without waiting; the
    held-out rows follow one at a time, and each forecast is judged once its truth has come.
    """
    with ending():
        require(("rich",))
        from rich.console import Console

        from demo.forecast.loop import play, series_for
        from demo.forecast.summary import table, verdict
        from demo.forecast.view import watching
        from models.tasks.forecast.source import table_of
        from models.tasks.forecast.table import Unusable

        console = Console()
        try:
            rows = table_of(csv, delimiter)
            with served(repository, connect) as address, streaming(address, model) as stream:
                series = series_for(stream, rows, time, season)
                with watching(console, model, series) as show:
                    forecasts = play(stream, series, waiting(1 / (RATE * speed)), show)
        except Unusable as error:
            raise Refused(str(error)) from error
        console.print(table(model, series, forecasts))
        click.echo(verdict(model, series, forecasts))
