"""What a comparison found, and its statistics."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from compare.contestants import Contestant, Equal
from models.tasks.task import Headline, Recipe, Score


@dataclass(frozen=True, slots=True)
class Trial:
    """One contestant trained from one seed."""

    seed: int
    seconds: float
    """Processor time of the training, all threads together."""
    batches: tuple[int, ...]
    losses: tuple[float, ...]
    """Training loss, each the mean of the batches up to the number beside it."""
    score: Score | None = None
    """None where the training diverged."""
    norms_before: tuple[float, ...] = ()
    norms_after: tuple[float, ...] = ()
    """Gradient norm by distance, before and after the training: models.memory."""
    memory_length: int | None = None
    """Timesteps, after the training; None where it is longer than what was measured."""
    failure: str | None = None
    """Why there is no score."""


@dataclass(frozen=True, slots=True)
class Served:
    """What the exported package of one contestant costs."""

    round_trip: float
    """Median seconds from a client's step to its answer, over loopback."""
    step: float
    """Median seconds that the runtime needs for a timestep of one stream."""
    state_bytes: int
    """Of one stream."""


@dataclass(frozen=True, slots=True)
class Entry:
    contestant: Contestant
    parameters: int
    trials: tuple[Trial, ...]
    served: Served | None

    @property
    def scored(self) -> tuple[Trial, ...]:
        """The trials that did not diverge."""
        return tuple(trial for trial in self.trials if trial.score is not None)

    def measured(self, measure: str) -> tuple[float, ...]:
        """A measure of each seed that has it."""
        values = (trial.score.get(measure) for trial in self.trials if trial.score is not None)
        return tuple(value for value in values if value is not None)


@dataclass(frozen=True, slots=True)
class Results:
    task: str
    options: Mapping[str, Any]
    recipe: Recipe
    headline: Headline
    seeds: tuple[int, ...]
    entries: tuple[Entry, ...]
    baselines: Mapping[str, Score]
    notes: tuple[str, ...]
    """What went wrong on the way, a sentence each."""
    made: Mapping[str, str]
    """When, by which command, on what."""

    @property
    def measures(self) -> tuple[str, ...]:
        """Of the score, the headline first."""
        scores = [trial.score for entry in self.entries for trial in entry.trials if trial.score]
        names = dict.fromkeys(name for score in scores for name in score)
        return (self.headline.measure, *(name for name in names if name != self.headline.measure))

    def alike(self, equal: Equal) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if equal in entry.contestant.equal)


@dataclass(frozen=True, slots=True)
class Statistic:
    mean: float
    spread: float | None
    """Sample standard deviation, n - 1 in its denominator; None of a single value."""
    count: int


def statistic(values: Sequence[float]) -> Statistic | None:
    """None of no values."""
    count = len(values)
    if not count:
        return None
    mean = math.fsum(values) / count
    if count == 1 or not math.isfinite(mean):
        return Statistic(mean, None, count)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return Statistic(mean, math.sqrt(squares / (count - 1)), count)


def to_json(results: Results) -> str:
    """Everything, for other programs; what is not finite is null."""
    return json.dumps(_finite(asdict(results)), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
