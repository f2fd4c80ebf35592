"""One trial: a network trained from a seed, scored, and asked how far back it remembers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from compare.results import Trial
from models.memory import gradient_norms, memory_length
from models.networks import Architecture, SequenceNetwork
from models.tasks.task import Array, Recipe, Task
from models.training import Diverged, Progress, train, untrained

CURVE_POINTS = 120


class Tried(NamedTuple):
    trial: Trial
    network: SequenceNetwork | None
    """None where the training diverged."""


def attempt(
    task: Task,
    architecture: Architecture,
    recipe: Recipe,
    seed: int,
    sample: Array,
    on_batch: Callable[[Progress], None],
) -> Tried:
    """Trains and scores. A training that diverges is a trial without a score."""
    losses: list[float] = []

    def heard(progress: Progress) -> None:
        losses.append(progress.loss)
        on_batch(progress)

    started = time.process_time()
    try:
        network = train(task, architecture, recipe, seed, heard)
    except Diverged as diverged:
        seconds = time.process_time() - started
        return Tried(Trial(seed, seconds, *curve(losses), failure=str(diverged)), None)
    seconds = time.process_time() - started
    norms = gradient_norms(network, sample)
    trial = Trial(
        seed,
        seconds,
        *curve(losses),
        score=task.score(network),
        norms_before=tuple(gradient_norms(untrained(network, seed), sample).tolist()),
        norms_after=tuple(norms.tolist()),
        memory_length=memory_length(norms),
    )
    return Tried(trial, network)


def curve(losses: Sequence[float]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Batch numbers, and the mean loss of the batches since the number before."""
    parts = [part for part in np.array_split(losses, CURVE_POINTS) if len(part)]
    ends = np.cumsum([len(part) for part in parts])
    return tuple(ends.tolist()), tuple(float(part.mean()) for part in parts)
