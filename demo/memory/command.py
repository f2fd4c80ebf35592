"""`stepwire demo memory`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from demo.pace import waiting
from demo.stage import ending, require, served, service_options, speed_option, streaming

if TYPE_CHECKING:
    from rich.console import Console

    from demo.memory.episode import Problem

RATE = 100
"""Timesteps a second."""


@click.command(
    short_help="Add far numbers, repeat far letters.",
    context_settings={"show_default": True},
)
@click.option("--adding", default="adding-gru", help="Served model that adds.")
@click.option("--copying", default="copying-gru", help="Served model that copies.")
@click.option(
    "--length", type=click.IntRange(2), default=200, help="Timesteps of an episode to add in."
)
@click.option(
    "--delay", type=click.IntRange(4), default=60, help="Timesteps from a letter to its repetition."
)
@click.option("--episodes", type=click.IntRange(1), default=4, help="Of each problem.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the episodes.")
@speed_option(f"{RATE} timesteps a second")
@service_options
def memory(
    adding: str,
    copying: str,
    length: int,
    delay: int,
    episodes: int,
    seed: int,
    speed: float,
    repository: Path | None,
    connect: str | None,
) -> None:
    """Let served networks remember: two numbers to add, and letters to repeat.

    In the adding problem a network reads a value and a mark at each timestep, and at the last one
    its answer is due: the sum of the two values that were marked. In delayed copy it reads four
    letters, then blanks, and from a cue on it repeats the letters. In between only the hidden
    state on the server can know them.
    """
    with ending():
        require(("rich",))
        from rich.console import Console

        from demo.memory.adding import Adding
        from demo.memory.copying import Copying

        console = Console()
        posed: tuple[tuple[str, Problem], ...]
        posed = ((adding, Adding(length)), (copying, Copying(delay)))
        with served(repository, connect) as address:
            for model, problem in posed:
                with streaming(address, model) as stream:
                    problem.check(model, stream)
            verdicts = [
                f"{model}: {_pose(address, model, problem, episodes, seed, speed, console)}."
                for model, problem in posed
            ]
        for verdict in verdicts:
            click.echo(verdict)


def _pose(
    address: str,
    model: str,
    problem: Problem,
    episodes: int,
    seed: int,
    speed: float,
    console: Console,
) -> str:
    """The verdict on all episodes of a problem, a stream for each."""
    from demo.memory.episode import play
    from demo.memory.view import watching
    from models.tasks.seeds import shown

    rng, period = shown(seed), 1 / (RATE * speed)
    due = []
    for number in range(1, episodes + 1):
        title = f"{model}, episode {number} of {episodes}"
        asked = problem.episode(rng)
        with streaming(address, model) as stream, watching(console, title) as show:
            for moment in play(stream, problem, asked, waiting(period)):
                show(moment)
                if moment.asked.due:
                    due.append(moment)
    return problem.verdict(due)
