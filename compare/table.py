"""The table of a comparison: as columns, for the terminal, and in GitHub's Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from compare.results import Entry, Results, Statistic, statistic
from models.tasks.task import Score

if TYPE_CHECKING:
    from rich.table import Table

NOTHING = "-"
SPREAD = "mean ± sample standard deviation over the seeds"


class Column(NamedTuple):
    heading: str
    meaning: str
    cells: tuple[str, ...]
    """Of each contestant, then of each baseline."""

    def first(self, count: int) -> Column:
        return self._replace(cells=self.cells[:count])


def columns(results: Results) -> tuple[Column, ...]:
    """The table of all that is one figure, in the order of reading."""
    return (*verdict(results), *costs(results))


def verdict(results: Results) -> tuple[Column, ...]:
    """How good each is by the task's headline, and how far back it remembers."""
    return (
        names(results),
        _of_networks(
            results,
            "equal",
            "What the network has in common with the GRU of the given hidden size: that size, the "
            "parameter count, or both.",
            lambda entry: entry.contestant.equal[0] if len(entry.contestant.equal) == 1 else "both",
        ),
        Column(
            results.headline.measure,
            f"On held-out data, {SPREAD}; a baseline has one value. "
            f"{results.headline.better.capitalize()} is better.",
            _scores(results, results.headline.measure),
        ),
        _of_networks(
            results,
            "memory [timesteps]",
            "The largest distance at which the gradient of the last output with respect to an "
            f"input is at least 1 % of the largest gradient, {SPREAD}. ≥ if that is the length of "
            "the held-out inputs for some seed.",
            _memory,
        ),
    )


def measures(results: Results) -> tuple[Column, ...]:
    """Every measure of the score: a row for each, a column for each contestant and baseline."""
    cells = zip(*(_scores(results, measure) for measure in results.measures), strict=True)
    return (
        Column("", "", results.measures),
        *(
            Column(name, "", column)
            for name, column in zip(names(results).cells, cells, strict=True)
        ),
    )


def names(results: Results) -> Column:
    cells = (*(entry.contestant.name for entry in results.entries), *results.baselines)
    return Column("", "A network by its cell and hidden size, or a baseline.", cells)


def costs(results: Results) -> Iterator[Column]:
    """What it takes to train and to serve each."""
    yield _of_networks(
        results,
        "parameters",
        "Trained numbers, those of the layers around the cells included.",
        lambda entry: f"{entry.parameters}",
    )
    yield _of_networks(
        results,
        "training [s]",
        "Processor time of one training, mean over the seeds.",
        _training,
    )
    yield _of_networks(
        results,
        "round trip [µs]",
        "From a client's step to its answer through a service in a process of its own, over "
        "loopback: one stream, one step at a time, median.",
        lambda entry: f"{1e6 * entry.served.round_trip:.0f}" if entry.served else NOTHING,
    )
    yield _of_networks(
        results,
        "runtime step [µs]",
        "What the service's runtime needs for one timestep of one stream, without the wire, "
        "median.",
        lambda entry: f"{1e6 * entry.served.step:.1f}" if entry.served else NOTHING,
    )
    yield _of_networks(
        results,
        "state [bytes]",
        "What the service keeps of a stream from one timestep to the next.",
        lambda entry: f"{entry.served.state_bytes}" if entry.served else NOTHING,
    )


def _of_networks(
    results: Results, heading: str, meaning: str, cell: Callable[[Entry], str]
) -> Column:
    blank = (NOTHING,) * len(results.baselines)
    return Column(heading, meaning, (*map(cell, results.entries), *blank))


def _scores(results: Results, measure: str) -> tuple[str, ...]:
    return (
        *(_measured(entry, measure) for entry in results.entries),
        *(_given(score, measure) for score in results.baselines.values()),
    )


def _measured(entry: Entry, measure: str) -> str:
    known = statistic(entry.measured(measure))
    if known is None:
        return NOTHING if entry.scored else "diverged"
    missing = known.count < len(entry.trials)
    return f"{figure(known)} ({known.count} of {len(entry.trials)})" if missing else figure(known)


def _given(score: Score, measure: str) -> str:
    value = score.get(measure)
    return NOTHING if value is None else f"{value:.4g}"


def _memory(entry: Entry) -> str:
    lengths = [
        len(trial.norms_after) - 1 if trial.memory_length is None else trial.memory_length
        for trial in entry.scored
    ]
    known = statistic(lengths)
    if known is None:
        return NOTHING
    if any(trial.memory_length is None for trial in entry.scored):
        return f"≥ {known.mean:.4g}"
    return figure(known)


def _training(entry: Entry) -> str:
    known = statistic([trial.seconds for trial in entry.scored])
    return f"{known.mean:.1f}" if known else NOTHING


def figure(known: Statistic) -> str:
    """Mean ± spread: the spread to two digits, the mean as far as the spread, at most four."""
    if not known.spread:
        spread = "" if known.spread is None else " ± 0"
        return f"{known.mean:.4g}{spread}"
    decimals = _decimals(known.spread, 2)
    most = _decimals(known.mean, 4) if known.mean else decimals
    if decimals > most:
        return f"{known.mean:.{most}f} ± {known.spread:.1g}"
    return f"{known.mean:.{decimals}f} ± {known.spread:.{decimals}f}"


def _decimals(value: float, digits: int) -> int:
    """Decimal places that show so many significant digits of what is not zero; at least none."""
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def markdown(table: Sequence[Column]) -> str:
    """GitHub's: a line for the headings, one for the alignment, one for each row."""
    lines = [
        [_escaped(column.heading) for column in table],
        ["---" if place == 0 else "---:" for place in range(len(table))],
        *([_escaped(cell) for cell in row] for row in rows(table)),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rows(table: Sequence[Column]) -> Iterator[tuple[str, ...]]:
    return zip(*(column.cells for column in table), strict=True)


def _escaped(cell: str) -> str:
    return cell.replace("|", r"\|")


def terminal(title: str, table: Sequence[Column]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for place, column in enumerate(table):
        words = " ".join((column.heading, *column.cells)).split()
        shown.add_column(
            Text(column.heading),
            justify="right" if place else "left",
            overflow="fold",
            min_width=max(map(len, words)) if place else None,
        )
    for row in rows(table):
        shown.add_row(*map(Text, row))
    return shown
