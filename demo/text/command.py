"""`stepwire generate`."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import click
import numpy as np

from demo.stage import ending, served, service_options, streaming
from demo.text.writing import Sampler, alphabet, readable, replaced, write
from stepwire.completing import model_names

LINE_BREAK = "\n"


@click.command(
    short_help="Let a served network write text.",
    context_settings={"show_default": True},
)
@click.option(
    "--model", shell_complete=model_names, default="text-gru", help="Served model that writes."
)
@click.option(
    "--prompt", default="", show_default=False, help="Text to go on from; a line starts without it."
)
@click.option("--characters", type=click.IntRange(1), default=500, help="To be written.")
@click.option(
    "--temperature",
    type=click.FloatRange(0, 10),
    default=0.7,
    help="0 takes the likeliest character each time, 1 draws as the model says, more is wilder.",
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the draws.")
@service_options
def generate(
    model: str,
    prompt: str,
    characters: int,
    temperature: float,
    seed: int,
    repository: Path | None,
    connect: str | None,
) -> None:
    """Let a served next-character model write text, one character per message.

    Reads the prompt, character by character, and then each character that it has drawn itself.
    The text goes to standard output as it is written, prompt included; the figures to standard
    error. The same seed gives the same text.
    """
    sampler = Sampler(np.random.default_rng(seed), temperature)
    with ending(), served(repository, connect) as address:
        _generate(address, model, prompt, characters, sampler)


def _generate(address: str, model: str, prompt: str, count: int, sampler: Sampler) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may not have every character
    start = prompt or LINE_BREAK
    with streaming(address, model) as stream:
        read = readable(start, alphabet(stream))
        if read != start:
            click.echo(f"{model} does not know {replaced(start, read)}: replaced", err=True)
        click.echo(read if prompt else "", nl=False)
        started, round_trips = time.perf_counter(), []
        for written in write(stream, read, count, sampler):
            click.echo(written.character, nl=False)
            round_trips.append(written.round_trip)
        rate = count / (time.perf_counter() - started)
    click.echo()
    click.echo(
        f"{count} characters, {rate:.0f} a second; "
        f"mean round trip {1000 * np.mean(round_trips):.2f} ms",
        err=True,
    )
