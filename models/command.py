"""`stepwire train`: a task, a cell, a run folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models import tasks
from models.cli import Refused, require

if TYPE_CHECKING:
    from models.networks import Cell

NEEDED = ("torch", "safetensors", "gymnasium", "matplotlib", "rich")


@click.command(context_settings={"show_default": True})
@click.argument("task", type=click.Choice(list(tasks.TASKS)))
@click.option("--cell", type=click.Choice(["gru", "lstm", "rnn", "none"]), default="gru")
@click.option("--hidden", type=click.IntRange(1), default=48, help="Units of each layer.")
@click.option("--layers", type=click.IntRange(1), default=1, help="Recurrent layers.")
@click.option(
    "--input-layer",
    type=click.IntRange(0),
    default=0,
    help="Units of a tanh layer in front of the recurrent ones; 0 leaves it out.",
)
@click.option("--seed", type=click.IntRange(0), default=0)
@click.option("--rounds", type=click.IntRange(1), help="Times that sequences are gathered.")
@click.option("--batches", type=click.IntRange(1), help="Batches trained in each round.")
@click.option("--window", type=click.IntRange(1), help="Timesteps the gradient flows back.")
@click.option("--learning-rate", type=click.FloatRange(0, 1, min_open=True))
@click.option(
    "--memoryless/--no-memoryless",
    default=True,
    help="Train a memoryless network of the same size too and report both.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"))
@click.option("--name", help="Folder of the run; made of task, cell and time if left out.")
def train(
    task: str,
    out: Path,
    name: str | None,
    seed: int,
    memoryless: bool,
    cell: Cell,
    hidden: int,
    layers: int,
    input_layer: int,
    **recipe: float | None,
) -> None:
    """Train a network for TASK and leave it in a run folder."""
    require("training", NEEDED, extra="train")
    import torch
    from rich.console import Console

    from models import report, runs
    from models.experiment import conduct
    from models.networks import Architecture
    from models.training import Diverged

    torch.set_num_threads(1)  # a second thread costs small networks more than it brings
    assignment = tasks.load(task)
    features, outputs = len(assignment.inputs.features), len(assignment.outputs.features)
    architecture = Architecture(features, outputs, cell, hidden, layers, input_layer)
    chosen: dict[str, Any] = {key: value for key, value in recipe.items() if value is not None}
    folder = out / (name or f"{task}-{cell}-{datetime.now():%Y%m%d-%H%M%S}")
    console = Console()
    try:
        run = conduct(
            assignment,
            architecture,
            replace(assignment.recipe, **chosen),
            seed,
            folder,
            console,
            memoryless=memoryless,
        )
    except (Diverged, OSError) as error:
        raise Refused(str(error)) from error
    title = f"{task}: {cell}, {run.network.parameter_count} parameters, held-out score"
    console.print(report.score_table(title, run.scores))
    click.echo(f"Run:  {folder}")
    click.echo(f"Plot: {folder / runs.PLOT}")
    click.echo(f"Next: stepwire export {folder} --to model_repository")
