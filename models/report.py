"""What a training shows: a progress bar, a table of scores, a plot."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from models.networks import SequenceNetwork
from models.tasks.task import Score, Task
from models.training import Progress as Trained

LINES = 10
"""Progress lines where there is no terminal for a bar."""
SMOOTHING = 20
"""Batches that the plotted loss is averaged over."""


@contextmanager
def shown(console: Console, title: str) -> Iterator[Callable[[Trained], None]]:
    """Takes each batch as it is trained: a bar on a terminal, a few lines elsewhere."""
    if not console.is_terminal:
        yield lambda trained: _print_some(console, title, trained)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} batches  loss {task.fields[loss]:.4f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(title, total=None, loss=math.nan)
        yield lambda trained: progress.update(
            bar, completed=trained.batch, total=trained.batches, loss=trained.loss
        )


def _print_some(console: Console, title: str, trained: Trained) -> None:
    if trained.batch * LINES % trained.batches < LINES:
        console.print(
            f"{title}: batch {trained.batch}/{trained.batches}, loss {trained.loss:.4f}",
            highlight=False,
        )


def score_table(title: str, scores: Mapping[str, Score]) -> Table:
    """A column for each contestant, a row for each measure."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for contestant in scores:
        table.add_column(contestant, justify="right")
    measures = next(iter(scores.values()))
    for measure in measures:
        table.add_row(Text(measure), *(_figure(score[measure]) for score in scores.values()))
    return table


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def save_plot(path: Path, task: Task, network: SequenceNetwork, losses: Sequence[float]) -> None:
    """The loss by batch, and one held-out example."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss, example = figure.subplots(1, 2)
    width = min(SMOOTHING, len(losses))
    loss.plot(np.convolve(losses, np.ones(width) / width, mode="valid"))
    loss.set(title="training", xlabel="batch", ylabel="loss", yscale="log")
    task.draw(network, example)
    figure.savefig(path)
