"""One training from its recipe to its run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from models import report, runs
from models.folders import filled
from models.networks import Architecture, SequenceNetwork
from models.tasks.task import Recipe, Score, Task, TaskRefused
from models.training import Progress, train


def architecture_for(task: Task, **choices: Any) -> Architecture:
    """The network of some choices, with the inputs and outputs of the task."""
    return Architecture(
        features=len(task.inputs.features),
        outputs=len(task.outputs.features),
        symbols=len(task.inputs.symbols),
        kind=task.outputs.kind,
        **choices,
    )


def recipe_for(task: Task, **choices: Any) -> Recipe:
    """The task's recipe with some choices. Raises TaskRefused."""
    if "window" in choices and task.recipe.window is None:
        raise TaskRefused(f"{task.name} trains on whole sequences: leave --window out")
    return replace(task.recipe, **choices)


def conduct(
    task: Task,
    options: Mapping[str, Any],
    architecture: Architecture,
    recipe: Recipe,
    seed: int,
    folder: Path,
    console: Console,
    *,
    memoryless: bool,
) -> runs.Run:
    """Trains, scores, and writes the run folder and its plot.

    `options` are those that made the task. With `memoryless`, a network without state of the same
    size is trained by the same recipe and scored beside it. The folder is there when all is done,
    or not at all. Raises CellRefused, Diverged, TaskRefused, NeedsFuture, and before the training
    OSError if the folder holds a run already or cannot be written.
    """
    runs.require_free(folder)
    if architecture.bidirectional:
        task.score(SequenceNetwork(architecture))  # a task that needs steps says so at once
    with filled(folder) as made:
        losses: list[float] = []
        network = _trained(task, architecture, recipe, seed, console, losses)
        scores: dict[str, Score] = {"network": task.score(network)}
        if memoryless and architecture.cell != "none":
            rival = replace(architecture, cell="none", bidirectional=False, learned_initial=False)
            scores["memoryless"] = task.score(_trained(task, rival, recipe, seed, console, []))
        scores.update(task.baselines())
        run = _run(task, options, network, recipe, seed, scores)
        runs.save(made, run)
        report.save_plot(made / runs.PLOT, task, network, losses)
    return run


def _run(
    task: Task,
    options: Mapping[str, Any],
    network: SequenceNetwork,
    recipe: Recipe,
    seed: int,
    scores: Mapping[str, Score],
) -> runs.Run:
    config = runs.Config(
        task.name,
        options,
        task.inputs,
        task.outputs,
        network.architecture,
        recipe,
        seed,
        torch.__version__,
    )
    sample = task.sample(runs.SAMPLE_ROWS, runs.SAMPLE_STEPS)
    return runs.Run(config, network, sample, scores)


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
