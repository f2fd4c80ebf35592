"""`stepwire demo pendulum`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demo.stage import SHOWN, ending, require, served, service_options, speed_option
from models.cli import Refused
from stepwire.completing import model_names

if TYPE_CHECKING:
    from demo.pendulum.loop import Record

RIVAL = "pendulum-memoryless"


@click.command(
    short_help="Swing a pendulum up and balance it.",
    context_settings={"show_default": True},
)
@click.option(
    "--model", shell_complete=model_names, default="pendulum-gru", help="Served model at the motor."
)
@click.option("--seconds", type=click.FloatRange(3, 3600), default=10.0, help="Episode's length.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the sensor's noise and start.")
@click.option(
    "--start",
    type=click.Choice(["hanging", "random"]),
    default="hanging",
    help="Straight down at rest, or an angle and a velocity drawn from the seed.",
)
@speed_option("the real rate of 20 timesteps a second")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("build/pendulum.png"),
    help="Where the PNG goes.",
)
@service_options
def pendulum(
    model: str,
    seconds: float,
    seed: int,
    start: str,
    speed: float,
    picture: Path,
    repository: Path | None,
    connect: str | None,
) -> None:
    """Swing a pendulum up and balance it by a served network, live.

    Starts the service, opens one stream, and sends it the noisy reading of the pendulum's angle
    once a timestep; the answer is the torque. A step is late if the service says so or if its
    timestep is over when the answer comes. Then a network without memory has a try, with the
    same start and the same noise.

    The exit code is 0 only if the pendulum of --model stands at the end: within 0.2 rad of the
    top for the last 3 seconds. It is 1 if not, whatever became of the one without memory; 2 if
    the demo could not run; 130 if it was interrupted.
    """
    with ending():
        require(SHOWN)
        from rich.console import Console

        from demo.pendulum import episodes, summary
        from models.tasks.pendulum.world import PERIOD

        _make_folder(picture)
        console = Console()
        setting = episodes.Setting(seed, start == "hanging", round(seconds / PERIOD), speed)
        rivals = [RIVAL] if model != RIVAL else []
        with served(repository, connect) as address:
            records = asyncio.run(episodes.play(address, model, rivals, setting, console))
        figures = {name: summary.figures(record) for name, record in records.items()}
        console.print(summary.table(figures))
        _paint(picture, records)
        click.echo(f"Picture: {picture}")
        click.echo(f"{model} {'stands' if figures[model].stands else 'does not stand'}.")
        raise SystemExit(0 if figures[model].stands else 1)


def _make_folder(picture: Path) -> None:
    """Before the episodes: it would be a pity to hear of it after them."""
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(picture, error) from error


def _paint(picture: Path, records: dict[str, Record]) -> None:
    from demo.pendulum.picture import paint

    try:
        paint(picture, records)
    except OSError as error:
        raise _unwritable(picture, error) from error


def _unwritable(picture: Path, error: OSError) -> Refused:
    return Refused(f"cannot write {picture}: {error.strerror}; choose another --picture")
