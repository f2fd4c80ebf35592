"""One training from its recipe to its run folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from models import report, runs
from models.networks import Architecture, SequenceNetwork
from models.tasks.task import Recipe, Score, Task
from models.training import Progress, train


def conduct(
    task: Task,
    architecture: Architecture,
    recipe: Recipe,
    seed: int,
    folder: Path,
    console: Console,
    *,
    memoryless: bool,
) -> runs.Run:
    """Trains, scores, and writes the run folder and its plot.

    With `memoryless`, a network without state of the same size is trained by the same recipe and
    scored beside it. Raises Diverged, and FileExistsError if the folder holds a run already.
    """
    runs.require_free(folder)
    losses: list[float] = []
    network = _trained(task, architecture, recipe, seed, console, losses)
    scores: dict[str, Score] = {"network": task.score(network)}
    if memoryless and architecture.cell != "none":
        rival = replace(architecture, cell="none", bidirectional=False)
        scores["memoryless"] = task.score(_trained(task, rival, recipe, seed, console, []))
    scores.update(task.baselines())
    config = runs.Config(task.name, architecture, recipe, seed, torch.__version__)
    run = runs.Run(config, network, scores)
    runs.save(folder, run)
    report.save_plot(folder / runs.PLOT, task, network, losses)
    return run


def _trained(
    task: Task,
    architecture: Architecture,
    recipe: Recipe,
    seed: int,
    console: Console,
    losses: list[float],
) -> SequenceNetwork:
    kind = "memoryless" if architecture.cell == "none" else architecture.cell
    with report.shown(console, f"{task.name} {kind}") as show:

        def on_batch(progress: Progress) -> None:
            losses.append(progress.loss)
            show(progress)

        return train(task, architecture, recipe, seed, on_batch)
