"""How far a comparison is: one bar on a terminal, a line for each training elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import fmean

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from compare.results import Trial
from models.tasks.task import Headline
from models.training import Progress


class Watch:
    """Hears of every training, in the order in which they were announced."""

    def __init__(self, console: Console, headline: Headline, trainings: Sequence[str]) -> None:
        self._headline = headline
        self._waiting = list(trainings)
        self._console = console
        self._total = len(trainings)
        self._taken: dict[str, float] = {}
        self._now = ""
        self._seed = 0
        self._started = 0.0
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=self._total, detail="")

    @contextmanager
    def shown(self) -> Iterator[None]:
        with self._bar:
            yield

    @property
    def ended(self) -> str:
        """How many trainings have, of how many."""
        waiting = len(self._waiting) + bool(self._now)
        return f"{self._total - waiting} of {self._total} trainings"

    def begins(self, seed: int) -> None:
        self._now, self._seed = self._waiting.pop(0), seed
        self._started = time.monotonic()

    def batch(self, progress: Progress) -> None:
        share = progress.batch / progress.batches
        elapsed = time.monotonic() - self._started
        typical = self._taken | {self._now: elapsed / share}
        left = elapsed / share - elapsed + (seconds_left(self._waiting, typical) or 0.0)
        self._bar.update(
            self._task,
            completed=self._total - len(self._waiting) - 1 + share,
            description=f"{self._now}, seed {self._seed}",
            detail=f"loss {progress.loss:.4f}  {self.ended}, {clock(left)} left",
        )

    def ends(self, trial: Trial) -> None:
        self._taken[self._now] = time.monotonic() - self._started
        name, self._now = self._now, ""
        if trial.score is None:
            outcome = f"diverged: {trial.failure}"
        else:
            figure = trial.score.get(self._headline.measure)
            outcome = f"{self._headline.measure} {math.nan if figure is None else figure:.4g}"
        left = seconds_left(self._waiting, self._taken)
        self._console.print(
            f"{name}, seed {trial.seed}: {outcome}; {self.ended}, {clock(left or 0.0)} left",
            highlight=False,
            markup=False,  # a unit in brackets is no style
            soft_wrap=True,
        )

    def says(self, text: str) -> None:
        self._bar.update(self._task, completed=self._total, description=text, detail="")
        if not self._console.is_terminal:
            self._console.print(text, highlight=False)


def seconds_left(waiting: Sequence[str], taken: Mapping[str, float]) -> float | None:
    """Of the trainings that wait, by what one of the same name took, else by the mean of all."""
    if not taken:
        return None
    typical = fmean(taken.values())
    return math.fsum(taken.get(name, typical) for name in waiting)


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
