"""`stepwire demo sentiment`."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demo.pace import waiting
from demo.stage import ending, require, served, service_options, speed_option, streaming
from models.cli import Refused
from stepwire.completing import model_names

if TYPE_CHECKING:
    from rich.console import Console

RATE = 5
"""Words a second."""


@click.command(
    short_help="Judge a review after each word.",
    context_settings={"show_default": True},
)
@click.argument("text", required=False)
@click.option(
    "--model", shell_complete=model_names, default="sentiment-gru", help="Served model that judges."
)
@click.option("--reviews", type=click.IntRange(1), default=4, help="Held-out ones, without TEXT.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the held-out reviews.")
@speed_option(f"{RATE} words a second")
@service_options
def sentiment(
    text: str | None,
    model: str,
    reviews: int,
    seed: int,
    speed: float,
    repository: Path | None,
    connect: str | None,
) -> None:
    """Read a film review to a served network, word by word, and watch the score move.

    TEXT is the review, or - for a line of standard input. Without it, reviews that the network
    was not trained on are read, and what it says after their last word is compared with their
    label. A word in parentheses is one that the network does not know.
    """
    with ending():
        require(("rich",))
        from rich.console import Console

        console = Console()
        if text is not None:
            words = _words(sys.stdin.readline() if text == "-" else text)
            with served(repository, connect) as address:
                score = _judged(address, model, words, speed, console)
            click.echo(f"{'Positive' if score > 0.5 else 'Negative'}: {100 * score:.0f} %.")
            return
        with served(repository, connect) as address:
            right = _play(address, model, reviews, seed, speed, console)
        click.echo(f"Right about {right} of {reviews} reviews.")


def _words(text: str) -> list[str]:
    from models.tasks.sentiment.vocabulary import split

    words = split(text)
    if not words:
        raise Refused("there is no word in the review: give some text")
    return words


def _play(address: str, model: str, count: int, seed: int, speed: float, console: Console) -> int:
    """How many held-out reviews the network is right about."""
    from models.tasks.seeds import HELD_OUT_SEED
    from models.tasks.sentiment.grammar import reviews

    right = 0
    for review in reviews(count, HELD_OUT_SEED + 1 + seed, held_out=True):
        score = _judged(address, model, review.words, speed, console)
        right += (score > 0.5) == review.positive
        click.echo(f"{'':>17}The review is {'positive' if review.positive else 'negative'}.\n")
    return right


def _judged(
    address: str, model: str, words: Sequence[str], speed: float, console: Console
) -> float:
    """The score after the last word, on a stream of its own."""
    from demo.sentiment.reading import read
    from demo.sentiment.view import show

    with streaming(address, model) as stream:
        score = math.nan
        for moment in read(stream, words, waiting(1 / (RATE * speed))):
            show(console, moment)
            score = moment.score
    return score
