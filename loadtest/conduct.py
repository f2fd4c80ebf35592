"""A run or a search from its first stream to its last file, and what it prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from loadtest import record, wording
from loadtest.crew import Crew
from loadtest.criteria import Criterion
from loadtest.files import write_each
from loadtest.finding import Found, Tried, find
from loadtest.live import Live
from loadtest.load import Load, Target
from loadtest.outcome import Outcome
from loadtest.report.page import found_page, run_page
from loadtest.search import Trial, search
from loadtest.table import advice, table, trial_heading, trial_line
from stepwire.refused import Refused

MOST_STREAMS = 1_000_000
FAILED = 1
"""The exit code where a criterion does not hold."""
INTERRUPTED = 130
"""What a shell gives a command that an interrupt ended."""
_FIRST_TOTAL = 200.0
"""Steps a second of the first trial of a search for a rate."""


@dataclass(frozen=True)
class Bench:
    crew: Crew
    live: Live

    def run(self, load: Load) -> Outcome:
        try:
            return self.crew.run(load, lambda now, seen: self.live.watch(load, now, seen))
        finally:
            self.live.clear()


@dataclass(frozen=True)
class Files:
    target: Target
    began: datetime
    report: Path | None
    json: Path | None

    def write(self, outcome: Outcome) -> None:
        facts = record.environment(self.target, self.began)
        texts: dict[Path, str] = {}
        if self.report:
            texts[self.report] = run_page(outcome, facts)
        if self.json:
            texts[self.json] = _json({**facts, **record.figures(outcome)})
        write_each(texts)

    def write_found(self, found: Found, criteria: tuple[Criterion, ...]) -> None:
        facts = record.environment(self.target, self.began)
        texts: dict[Path, str] = {}
        if self.report:
            texts[self.report] = found_page(found, [each.text for each in criteria], facts)
        if self.json:
            best = record.figures(found.best.outcome) if found.best else None
            texts[self.json] = _json({**facts, "trials": record.trials(found), "best": best})
        write_each(texts)


def run(bench: Bench, asked: Load, fail_if: tuple[Criterion, ...], files: Files) -> None:
    outcome = bench.run(asked)
    click.echo(table(outcome))
    _advise(outcome)
    failed = [] if outcome.unjudged else list(_failures(outcome, fail_if))
    for each in failed:
        click.echo(f"failed: {each}", err=True)
    files.write(outcome)
    if outcome.broken:
        raise Refused(outcome.broken)
    if failed:
        sys.exit(FAILED)
    if outcome.interrupted:
        sys.exit(INTERRUPTED)


def _failures(outcome: Outcome, fail_if: tuple[Criterion, ...]) -> Iterator[str]:
    """What was not measured fails too: a limit of it would never be exceeded."""
    if fail_if and not outcome.total.answered:
        yield "no step was answered"
    for each in fail_if:
        if each.measured(outcome) is None or each.holds(outcome):
            yield f"{each.told(outcome)}, and --fail-if says {each.text}"


def search_highest(
    bench: Bench,
    asked: Load,
    criteria: tuple[Criterion, ...],
    *,
    by_streams: bool,
    files: Files,
) -> None:
    def load_of(trial: Trial) -> Load:
        bench.live.says(f"{trial.purpose}: ")
        twice = 2 if trial.purpose == "confirm" else 1
        at = replace(asked, duration=twice * asked.duration)
        if by_streams:
            return replace(at, streams=int(trial.level))
        return replace(at, rate=trial.level)

    def tell(tried: Tried) -> None:
        click.echo(trial_line(tried))

    if by_streams:
        trials = search(asked.streams, highest=MOST_STREAMS, whole=True)
    else:
        trials = search(_FIRST_TOTAL / asked.streams)
    click.echo(trial_heading())
    found = find(trials, load_of, criteria, bench.run, tell)
    if not found.interrupted:
        _conclude(found, " and ".join(each.text for each in criteria))
    if found.trials:
        files.write_found(found, criteria)
    if found.broken:
        raise Refused(found.broken)
    if found.interrupted:
        sys.exit(INTERRUPTED)
    if found.best is None:
        sys.exit(FAILED)


def _conclude(found: Found, wanted: str) -> None:
    if found.best is None:
        click.echo(f"failed: {found.nothing(wanted)}", err=True)
        return
    best = found.best.outcome
    click.echo()
    click.echo(f"{wording.steps(best.load.asked or 0.0)} is the most that holds {wanted}")
    click.echo(table(best))
    if found.limit:
        _advise(found.limit.outcome)


def _advise(outcome: Outcome) -> None:
    if told := advice(outcome):
        click.echo(f"warning: {told}", err=True)


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"
