"""A comparison from its setting to its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from compare import served
from compare.contestants import Contestant
from compare.progress import Watch
from compare.results import Entry, Results, Served, Trial
from compare.trials import attempt
from demo.server import ServiceFailed
from export.package import export, version_folder
from export.run_source import source_of
from export.source import ExportRefused
from models import runs
from models.networks import Architecture, SequenceNetwork
from models.tasks.task import Array, Recipe, Task
from stepwire.errors import StepwireError


@dataclass(frozen=True)
class Setting:
    task: Task
    options: Mapping[str, Any]
    """Those that made the task."""
    recipe: Recipe
    seeds: tuple[int, ...]
    architectures: Mapping[Contestant, Architecture]

    @property
    def trainings(self) -> tuple[str, ...]:
        """The contestants' names in the order of training: seed by seed, so that a machine that
        slows down slows all of them.
        """
        return tuple(contestant.name for _ in self.seeds for contestant in self.architectures)


def conduct(setting: Setting, made: Mapping[str, str], watch: Watch) -> Results:
    """Trains every contestant from every seed, then serves one network of each.

    What goes wrong with a contestant is a note in the results. Raises TaskRefused.
    """
    sample = setting.task.sample(runs.SAMPLE_ROWS, runs.SAMPLE_STEPS)
    trials, trained = _train(setting, sample, watch)
    notes = [
        f"{contestant.name}, seed {trial.seed}, diverged: {trial.failure}."
        for contestant, tried in trials.items()
        for trial in tried
        if trial.failure
    ]
    watch.says("measuring steps")
    costs = _serve(trained, sample[0], notes)
    return Results(
        task=setting.task.name,
        options=setting.options,
        recipe=setting.recipe,
        headline=setting.task.headline,
        seeds=setting.seeds,
        entries=tuple(
            Entry(
                contestant,
                SequenceNetwork(architecture).parameter_count,
                tuple(trials[contestant]),
                costs.get(contestant),
            )
            for contestant, architecture in setting.architectures.items()
        ),
        baselines=setting.task.baselines(),
        notes=tuple(notes),
        made=made,
    )


def _train(
    setting: Setting, sample: Array, watch: Watch
) -> tuple[dict[Contestant, list[Trial]], dict[Contestant, runs.Run]]:
    """The trials of each contestant, and its first run that did not diverge."""
    trials: dict[Contestant, list[Trial]] = {each: [] for each in setting.architectures}
    trained: dict[Contestant, runs.Run] = {}
    for seed in setting.seeds:
        for contestant, architecture in setting.architectures.items():
            watch.begins(seed)
            trial, network = attempt(
                setting.task, architecture, setting.recipe, seed, sample, watch.batch
            )
            watch.ends(trial)
            trials[contestant].append(trial)
            if network and contestant not in trained:
                trained[contestant] = _run(setting, seed, network, sample)
    return trials, trained


def _run(setting: Setting, seed: int, network: SequenceNetwork, sample: Array) -> runs.Run:
    task = setting.task
    config = runs.Config(
        task.name,
        setting.options,
        task.inputs,
        task.outputs,
        network.architecture,
        setting.recipe,
        seed,
        torch.__version__,
    )
    return runs.Run(config, network, sample, {})


def _serve(
    trained: Mapping[Contestant, runs.Run], inputs: Array, notes: list[str]
) -> dict[Contestant, Served]:
    """What a step through inputs [T, F] costs each contestant.

    Why one has no figures is added to the notes.
    """
    with TemporaryDirectory() as folder:
        repository = Path(folder) / "repository"
        packages: dict[Contestant, str] = {}
        for contestant, run in trained.items():
            name = contestant.name.replace(" ", "-")
            try:
                runs.save(Path(folder) / name, run)
                export(source_of(Path(folder) / name), version_folder(repository, name, 1))
            except ExportRefused as refused:
                notes.append(f"{contestant.name} was not served: {refused}.")
            else:
                packages[contestant] = name
        if not packages:
            return {}
        try:
            costs = served.costs(repository, tuple(packages.values()), inputs)
        except ServiceFailed as failed:
            notes.append(f"No step was measured, the service failed: {failed.log.strip()}")
            return {}
        except StepwireError as error:
            notes.append(f"No step was measured: {error}.")
            return {}
    return {contestant: costs[name] for contestant, name in packages.items()}
