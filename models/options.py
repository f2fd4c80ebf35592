"""The options of commands that train: those of every task, and each task's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from models.tasks import Entry

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Command], Command]

OF_TASK: Mapping[str, Sequence[Option[Any]]] = {
    "adding": (
        click.option(
            "--length", type=int, default=200, help="Timesteps of the longest; 10 or more."
        ),
    ),
    "copying": (
        click.option("--delay", type=int, default=60, help="Timesteps of the longest; 16 or more."),
    ),
    "forecast": (
        click.option("--csv", metavar="FILE", help="Left out, a made-up shop's daily sales."),
        click.option("--time", metavar="COLUMN", help="Dates, times or numbers.  [default: first]"),
        click.option("--delimiter", metavar="CHARACTER", help="Found by itself if left out."),
        click.option("--read", metavar="A,B,C", help="Columns.  [default: all of numbers]"),
        click.option("--predict", metavar="COLUMN", help="Of the shop, sales if left out."),
        click.option(
            "--horizon", type=click.IntRange(1, 1000), default=7, help="Rows to look ahead."
        ),
        click.option(
            "--season",
            type=click.IntRange(1),
            help="Rows of a season; of even daily rows 7, for example, if left out.",
        ),
    ),
    "text": (
        click.option(
            "--text",
            metavar="PATH",
            help="A UTF-8 text file, or a folder of them.  "
            "[default: the source of the Python standard library]",
        ),
        click.option(
            "--characters",
            type=click.IntRange(1000),
            help="Cut the training text to so many.",
        ),
    ),
}
"""By the task's name; what they give is what its class takes. A task that is absent has none."""

OF_RECIPE: Sequence[Option[Any]] = (
    click.option("--rounds", type=click.IntRange(1), help="Times that sequences are gathered."),
    click.option("--batches", type=click.IntRange(1), help="Batches trained in each round."),
    click.option("--window", type=click.IntRange(1), help="Timesteps the gradient flows back."),
    click.option("--learning-rate", type=click.FloatRange(0, 1, min_open=True)),
)
"""What is left out is the task's."""


def of_size(entry: Entry) -> Sequence[Option[Any]]:
    """The network's size; the defaults are the task's."""
    return (
        click.option(
            "--hidden", type=click.IntRange(1), default=entry.hidden, help="Units of each layer."
        ),
        click.option(
            "--layers", type=click.IntRange(1), default=entry.layers, help="Recurrent layers."
        ),
        click.option(
            "--input-layer",
            type=click.IntRange(0),
            default=entry.input_layer,
            help="Units of a tanh layer in front of the recurrent ones, or of the embedding of "
            "symbols; 0 leaves it out.",
        ),
    )


def with_options(callback: Command, options: Sequence[Option[Any]]) -> Command:
    """The callback with the options, in their order."""
    for option in reversed(options):
        callback = option(callback)
    return callback


def taken(arguments: dict[str, Any], options: Sequence[Option[Any]]) -> dict[str, Any]:
    """Moves the values of some options out of a command's arguments."""
    command = click.command()(with_options(lambda: None, options))
    return {option.name: arguments.pop(option.name) for option in command.params if option.name}
