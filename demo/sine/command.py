"""`stepwire demo sine`."""

from __future__ import annotations

from pathlib import Path

import click

from demo.pace import waiting
from demo.stage import ending, require, served, service_options, speed_option, streaming
from stepwire.completing import model_names

RATE = 20
"""Timesteps a second."""


@click.command(
    short_help="Go on with a noisy sine.",
    context_settings={"show_default": True},
)
@click.option(
    "--model", shell_complete=model_names, default="sine-gru", help="Served model that foretells."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of frequency, phase and noise.")
@speed_option(f"{RATE} timesteps a second")
@service_options
def sine(model: str, seed: int, speed: float, repository: Path | None, connect: str | None) -> None:
    """Let a served network hear a noisy sine, then go on with it by itself.

    For 96 timesteps the network gets the values, then its own answers: only the hidden state on
    the server can know the frequency and phase that the rest has.
    """
    with ending():
        require(("rich",))
        from rich.console import Console

        from demo.sine.loop import closed_loop_errors, listen
        from demo.sine.view import watching
        from models.tasks.seeds import shown
        from models.tasks.sine.wave import AHEAD

        console = Console()
        with (
            served(repository, connect) as address,
            streaming(address, model) as stream,
            watching(console, model) as show,
        ):
            moments = []
            for moment in listen(stream, shown(seed), waiting(1 / (RATE * speed))):
                show(moment)
                moments.append(moment)
        network, last = closed_loop_errors(moments)
        click.echo(
            f"Closed loop over {AHEAD} timesteps: RMSE {network:.3f}; "
            f"repeating the last value heard: {last:.3f}."
        )
