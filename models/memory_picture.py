"""What trained networks remember: `python -m models.memory_picture RUN... --to FILE`.

The runs are of the tasks `adding` and `copying`, one or several seeds for each cell.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from models import runs, tasks
from models.cli import Refused
from models.memory import Floats, gradient_norms
from models.networks import SequenceNetwork
from models.tasks import curriculum
from models.training import untrained

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DISTANCE = {"adding": "length", "copying": "delay"}
"""By task, the option that says how far it is to be remembered, in timesteps."""
BASELINE = {"adding": "always 1", "copying": "guessing"}
COLOURS = ("#e8590c", "#0b7285", "#862e9c", "#5c940d")
ROWS = 64
"""Sequences that a gradient is measured over."""

Runs = Mapping[str, Sequence[runs.Run]]
"""Of one task: the seeds of each cell."""


@click.command()
@click.argument(
    "folders", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--to", type=click.Path(path_type=Path), required=True, help="Where the PNG goes.")
def paint(folders: Sequence[Path], to: Path) -> None:
    """Set the memories of trained networks side by side, in a picture and in tables."""
    by_task = _loaded(folders)
    for of_task in by_task.values():
        click.echo(table(of_task))
    try:
        save(to, by_task)
    except OSError as error:
        raise Refused(f"cannot write {to}: {error.strerror}") from error


def _loaded(folders: Sequence[Path]) -> dict[str, Runs]:
    """By task, then by cell, in the order of the folders."""
    loaded: dict[str, dict[str, list[runs.Run]]] = {}
    for folder in folders:
        try:
            run = runs.load(folder)
        except runs.RunUnreadable as error:
            raise Refused(str(error)) from error
        if run.config.task not in DISTANCE:
            raise Refused(f"{folder} is of {run.config.task}: take runs of {' or '.join(DISTANCE)}")
        of_task = loaded.setdefault(run.config.task, {})
        if of_task and _distance(run) != _distance(_first(of_task)):
            raise Refused(
                f"{folder} is of --{DISTANCE[run.config.task]} {_distance(run)}, a run before it "
                f"of {_distance(_first(of_task))}: take runs of the same"
            )
        of_task.setdefault(run.config.architecture.cell, []).append(run)
    return dict(loaded)


def table(of_task: Runs) -> str:
    """Markdown: a row for each cell; the mean of its seeds, the smallest and the largest."""
    first = _first(of_task)
    heads = ["", "seeds", *(_measure(first, distance) for distance in _distances(first))]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for cell, seeds in of_task.items():
        rows.append([cell, str(len(seeds)), *map(_spread, _scores(seeds, "network"))])
    baseline = BASELINE[first.config.task]
    rows.append([baseline, "", *(f"{value:.3g}" for [value] in _scores([first], baseline))])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def save(path: Path, by_task: Mapping[str, Runs]) -> None:
    """A row for each task: the gradient before and after training, and the score."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4 * len(by_task)), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(by_task), 2, squeeze=False)
    for (name, of_task), (gradient, score) in zip(by_task.items(), rows, strict=True):
        _draw_gradients(gradient, of_task)
        gradient.set_title(f"{name}: gradient of the last answer")
        _draw_scores(score, of_task)
        score.set_title(f"{name}: score on held-out sequences")
    temporary = path.with_name(f".{path.name}")
    figure.savefig(temporary, format="png", dpi=110)
    os.replace(temporary, path)


def _draw_gradients(axes: Axes, of_task: Runs) -> None:
    for (cell, seeds), colour in zip(of_task.items(), cycle(COLOURS), strict=False):
        run = seeds[0]
        axes.plot(
            _norms(run, untrained(run.network, run.config.seed)), "--", color=colour, alpha=0.6
        )
        axes.plot(_norms(run, run.network), color=colour, label=cell)
    axes.plot([], "--", color="grey", label="before training")
    axes.set_yscale("log", nonpositive="mask")
    axes.set(xlabel="distance [timesteps]", ylabel="norm")
    axes.legend()


def _draw_scores(axes: Axes, of_task: Runs) -> None:
    first = _first(of_task)
    distances = _distances(first)
    for (cell, seeds), colour in zip(of_task.items(), cycle(COLOURS), strict=False):
        scores = np.array(_scores(seeds, "network"))  # [distances, seeds]
        axes.plot(distances, scores.mean(axis=1), "o-", color=colour, label=cell)
        axes.fill_between(
            distances, scores.min(axis=1), scores.max(axis=1), color=colour, alpha=0.2
        )
    baseline = BASELINE[first.config.task]
    axes.plot(distances, _scores([first], baseline), ":", color="grey", label=baseline)
    axes.axvline(_distance(first), color="lightgrey", zorder=0)
    axes.set(xlabel="distance [timesteps]; trained up to the line")
    axes.set_ylabel(_measure(first, _distance(first)).replace(str(_distance(first)), "so many"))
    axes.legend()


def _norms(run: runs.Run, network: SequenceNetwork) -> Floats:
    task = tasks.load(run.config.task, run.config.options)
    return gradient_norms(network, task.sample(ROWS, _distance(run)))


def _first(of_task: Runs) -> runs.Run:
    return next(iter(of_task.values()))[0]


def _distance(run: runs.Run) -> int:
    """What it was trained to remember over, in timesteps."""
    return int(run.config.options[DISTANCE[run.config.task]])


def _distances(run: runs.Run) -> tuple[int, ...]:
    return curriculum.probed(_distance(run))


def _measure(run: runs.Run, distance: int) -> str:
    """The task's headline, at another distance."""
    headline = tasks.load(run.config.task, run.config.options).headline.measure
    return headline.replace(str(_distance(run)), str(distance))


def _scores(seeds: Sequence[runs.Run], contestant: str) -> list[list[float]]:
    """For each distance, the headline of each seed."""
    return [
        [run.scores[contestant][_measure(run, distance)] or 0.0 for run in seeds]
        for distance in _distances(seeds[0])
    ]


def _spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3g} ({min(values):.3g} to {max(values):.3g})"


if __name__ == "__main__":
    paint()
