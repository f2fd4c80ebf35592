"""The highest rate that holds, found by trial."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from loadtest import wording
from loadtest.criteria import Criterion
from loadtest.endings import Interrupted, LoaderDied, LoadRefused
from loadtest.load import Load
from loadtest.outcome import Outcome
from loadtest.search import Purpose, Trial

_REACHED = 0.98
"""Of the steps that were due, at least: a server that answers fewer keeps no such rate."""


@dataclass(frozen=True)
class Tried:
    level: float
    purpose: Purpose
    outcome: Outcome
    failure: str | None
    """Why it did not hold; None if it did."""

    @property
    def held(self) -> bool:
        return self.failure is None


@dataclass(frozen=True)
class Found:
    trials: tuple[Tried, ...]
    best: Tried | None
    """The trial that confirmed the highest load; None if there is none."""
    interrupted: bool
    broken: str | None = None
    """How a process of the loader died, which interrupted the search; None: none did."""

    @property
    def limit(self) -> Tried | None:
        """The lowest that failed above the best; None if nothing did."""
        failed = [each for each in self.trials if not each.held]
        above = [each for each in failed if self.best and each.level > self.best.level]
        return min(above, key=lambda each: each.level, default=None)

    def nothing(self, wanted: str) -> str:
        """Why there is no best."""
        if self.interrupted:
            return f"the search for what holds {wanted} was interrupted"
        if any(tried.held for tried in self.trials):
            return (
                f"no load held {wanted} again when it was to be confirmed: something else may "
                "keep the machine busy; try longer trials, by --duration"
            )
        return f"no load that was tried holds {wanted}"


def find(
    search: Generator[Trial, bool, float | None],
    load: Callable[[Trial], Load],
    criteria: Sequence[Criterion],
    run: Callable[[Load], Outcome],
    tell: Callable[[Tried], None],
) -> Found:
    """Carries out the trials of a search, and tells of each.

    A load that the server refuses does not hold. Raises LoadRefused where it refuses the first.
    """
    trials: list[Tried] = []
    trial = next(search)
    while True:
        asked = load(trial)
        try:
            outcome = run(asked)
        except Interrupted:
            return Found(tuple(trials), None, interrupted=True)
        except LoaderDied as died:
            return Found(tuple(trials), None, interrupted=True, broken=str(died))
        except LoadRefused as refusal:
            if not trials:
                raise
            outcome = _nothing(asked, trials[-1].outcome)
            tried = Tried(trial.level, trial.purpose, outcome, str(refusal))
        else:
            if outcome.interrupted:
                return Found(tuple(trials), None, interrupted=True, broken=outcome.broken)
            tried = Tried(trial.level, trial.purpose, outcome, failure(outcome, criteria))
        trials.append(tried)
        tell(tried)
        try:
            trial = search.send(tried.held)
        except StopIteration as ended:
            best = None if ended.value is None else tried
            return Found(tuple(trials), best, interrupted=False)


def _nothing(asked: Load, former: Outcome) -> Outcome:
    """Of a load that did not begin, at the server that a former one was of."""
    return replace(former, load=asked, intervals={}, elapsed=0.0, busy=())


def failure(outcome: Outcome, criteria: Sequence[Criterion]) -> str | None:
    """Why a load did not hold; None if it did.

    It holds where the criteria do, nothing was refused or lost, and the answers kept pace. What
    the loader is late by counts too: without it a load would hold all the more.
    """
    for criterion in criteria:
        if not criterion.holds(outcome):
            told = criterion.told(outcome)
            return f"{told}; {outcome.loader_limit}" if outcome.loader_limit else told
    if outcome.errors:
        kind, count = outcome.total.errors.most_common(1)[0]
        return f"{wording.counted(count, 'error')}: {kind}"
    if outcome.total.answered < _REACHED * outcome.total.due or _too_slow(outcome):
        return "its answers do not keep pace"
    return None


def _too_slow(outcome: Outcome) -> bool:
    due = outcome.total.due / outcome.elapsed if outcome.elapsed else 0.0
    return outcome.rate < _REACHED * due
