"""`stepwire demo morse`."""

from __future__ import annotations

from pathlib import Path

import click

from demo.pace import waiting
from demo.stage import ending, require, served, service_options, speed_option, streaming
from models.cli import Refused
from stepwire.completing import model_names


@click.command(
    short_help="Read Morse code as it is keyed.",
    context_settings={"show_default": True},
)
@click.argument("text", required=False)
@click.option(
    "--model", shell_complete=model_names, default="morse-gru", help="Served model that reads."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the operator and the noise.")
@speed_option("33 timesteps a second")
@service_options
def morse(
    text: str | None,
    model: str,
    seed: int,
    speed: float,
    repository: Path | None,
    connect: str | None,
) -> None:
    """Key a text in Morse code, with noise and fading, and let a served network read it live.

    TEXT is of letters and spaces; without it some words are drawn from the seed. Every timestep is
    a message: the loudness goes in, log-probabilities of the letters come out, and the likeliest
    label, if it is new, is the next letter.
    """
    with ending():
        require(("rich",))
        import numpy as np
        from rich.console import Console

        from demo.morse.listening import listen
        from demo.morse.view import View
        from models.tasks.morse.code import edits
        from models.tasks.morse.keying import PERIOD, keyed
        from models.tasks.morse.messages import random_words

        rng = np.random.default_rng(seed)
        sent = random_words(3, rng) if text is None else _keyable(text)
        view, read = View(Console()), ""
        with served(repository, connect) as address, streaming(address, model) as stream:
            loudness = keyed(sent, rng).loudness.tolist()
            for moment in listen(stream, loudness, waiting(PERIOD / speed)):
                view.show(moment)
                read += moment.added
        view.end_line()
        click.echo(f"Sent: {sent}\nRead: {read}")
        click.echo(f"Wrong: {edits(read, sent)} of {len(sent)} characters.")


def _keyable(text: str) -> str:
    """In capitals, single spaces between the words. Raises Refused."""
    from models.tasks.morse.code import ALPHABET

    text = " ".join(text.upper().split())
    if not text:
        raise Refused("there is no letter in the text: give some")
    for place, character in enumerate(text, start=1):
        if character not in ALPHABET:
            raise Refused(f"{character!r}, character {place}, cannot be keyed: give A to Z, spaces")
    return text
