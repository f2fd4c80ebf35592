"""`stepwire train`: a sub-command for each task, from its options to a run folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from models import options, tasks
from models.cli import Refused, require
from models.interrupt import interruptible
from models.tasks.seeds import HELD_OUT_SEED

NEEDED = ("torch", "safetensors", "gymnasium", "matplotlib", "rich")
CELLS = (
    "gru",
    "lstm",
    "rnn",
    "elman",
    "gru-reset-after",
    "gru-reset-before",
    "gru-update-writes",
    "lstm-equations",
    "none",
)


@click.group()
def train() -> None:
    """Train a network for a task and leave it in a run folder."""


def _command(name: str, entry: tasks.Entry) -> click.Command:
    own = options.OF_TASK.get(name, ())

    def callback(**arguments: Any) -> None:
        chosen = options.taken(arguments, own)
        recipe = options.taken(arguments, options.OF_RECIPE)
        _train(name, chosen, {k: v for k, v in recipe.items() if v is not None}, **arguments)

    every = (*own, *_network(entry), *options.OF_RECIPE, *_run(entry))
    return click.command(name, help=entry.summary, context_settings={"show_default": True})(
        options.with_options(callback, every)
    )


def _network(entry: tasks.Entry) -> tuple[options.Option[Any], ...]:
    return (
        click.option(
            "--cell",
            type=click.Choice(CELLS),
            default="gru",
            help="Torch's layers, the cells written as their equations, or no memory.",
        ),
        *options.of_size(entry),
        click.option("--bidirectional", is_flag=True, help="Read backwards too; cannot stream."),
        click.option("--learned-initial", is_flag=True, help="Train the initial state too."),
    )


def _run(entry: tasks.Entry) -> tuple[options.Option[Any], ...]:
    folder = click.Path(path_type=Path, file_okay=False)
    return (
        click.option("--seed", type=click.IntRange(0, HELD_OUT_SEED - 1), default=0),
        click.option(
            "--memoryless/--no-memoryless",
            default=entry.memoryless,
            help="Train a memoryless network of the same size too and report both.",
        ),
        click.option("--threads", type=click.IntRange(1), default=1, help="Of torch."),
        click.option("--out", type=folder, default=Path("runs")),
        click.option(
            "--name",
            callback=_folder_name,
            help="Folder of the run; made of task, cell and time if left out.",
        ),
    )


def _folder_name(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> str | None:
    """One that stays in --out, in one line."""
    if value in ("", "..") or (value and not (value.isprintable() and Path(value).name == value)):
        raise Refused(f"--name {value!r} names no folder: leave out slashes and line breaks")
    return value


def _train(
    task: str,
    own: dict[str, Any],
    recipe: dict[str, Any],
    *,
    out: Path,
    name: str | None,
    seed: int,
    memoryless: bool,
    threads: int,
    **network: Any,
) -> None:
    with interruptible():
        require("training", NEEDED, extra="train")
        folder = out / (name or f"{task}-{network['cell']}-{datetime.now():%Y%m%d-%H%M%S}")
        _conduct(task, own, recipe, folder, seed, memoryless, threads, network)


def _conduct(
    task: str,
    own: dict[str, Any],
    recipe: dict[str, Any],
    folder: Path,
    seed: int,
    memoryless: bool,
    threads: int,
    network: dict[str, Any],
) -> None:
    import torch
    from rich.console import Console

    from models import report, runs
    from models.cores import CellRefused
    from models.experiment import architecture_for, conduct, recipe_for
    from models.networks import NeedsFuture
    from models.tasks.task import TaskRefused
    from models.training import Diverged

    torch.set_num_threads(threads)
    console = Console()
    try:
        assignment = tasks.load(task, own)
        run = conduct(
            assignment,
            own,
            architecture_for(assignment, **network),
            recipe_for(assignment, **recipe),
            seed,
            folder,
            console,
            memoryless=memoryless,
        )
    except (CellRefused, Diverged, NeedsFuture, TaskRefused, OSError) as error:
        raise Refused(str(error)) from error
    except KeyboardInterrupt:
        click.echo("interrupted: nothing was written", err=True)
        raise
    title = f"{task}: {network['cell']}, {run.network.parameter_count} parameters, held-out score"
    console.print(report.score_table(title, run.scores))
    click.echo(f"Run:  {folder}")
    click.echo(f"Plot: {folder / runs.PLOT}")
    click.echo(f"Next: stepwire export {folder} --to model_repository")


for _name, _entry in tasks.TASKS.items():
    train.add_command(_command(_name, _entry))
