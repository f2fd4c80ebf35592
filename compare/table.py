"""The table of a comparison: as columns, for the terminal, and in GitHub's Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from compare.results import Entry, Results, Statistic, statistic
from models.tasks.task import Score

if TYPE_CHECKING:
    from rich.table import Table

NOTHING = "-"


class Column(NamedTuple):
    heading: str
    meaning: str
    cells: tuple[str, ...]
    """Of each contestant, then of each baseline."""


def columns(results: Results) -> tuple[Column, ...]:
    """All of them, in the order of reading."""
    return tuple(chain([names(results)], sizes(results), scores(results), costs(results)))


def names(results: Results) -> Column:
    cells = (*(entry.contestant.name for entry in results.entries), *results.baselines)
    return Column("", "A network by its cell and hidden size, or a baseline.", cells)


def sizes(results: Results) -> Iterator[Column]:
    yield _of_networks(
        results,
        "equal",
        "What the network has in common with the GRU of the given hidden size: that size, the "
        "parameter count, or both.",
        lambda entry: entry.contestant.equal[0] if len(entry.contestant.equal) == 1 else "both",
    )
    yield _of_networks(
        results,
        "parameters",
        "Trained numbers, those of the layers around the cells included.",
        lambda entry: f"{entry.parameters}",
    )


def scores(results: Results) -> Iterator[Column]:
    """How good each is, and how far back it remembers."""
    seeds = "mean ± sample standard deviation over the seeds"
    for measure in results.measures:
        meaning = f"On held-out data, {seeds}; a baseline has one value."
        if measure == results.headline.measure:
            meaning += f" {results.headline.better.capitalize()} is better."
        yield Column(
            measure,
            meaning,
            (
                *(_measured(entry, measure) for entry in results.entries),
                *(_given(score, measure) for score in results.baselines.values()),
            ),
        )
    yield _of_networks(
        results,
        "memory [timesteps]",
        "The largest distance at which the gradient of the last output with respect to an input "
        f"is at least 1 % of the largest gradient, {seeds}. ≥ if that is the length of the "
        "held-out inputs for some seed.",
        _memory,
    )


def costs(results: Results) -> Iterator[Column]:
    """What it takes to train and to serve each."""
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
    longer = any(trial.memory_length is None for trial in entry.scored)
    return f"{'≥ ' if longer else ''}{figure(known)}"


def _training(entry: Entry) -> str:
    known = statistic([trial.seconds for trial in entry.scored])
    return f"{known.mean:.3g}" if known else NOTHING


def figure(known: Statistic) -> str:
    """Mean ± spread: the spread to two digits, the mean to where the spread's are, at most four."""
    if not known.spread:
        spread = "" if known.spread is None else " ± 0"
        return f"{known.mean:.4g}{spread}"
    decimals = min(_decimals(known.spread, 2), _decimals(known.mean, 4))
    return f"{known.mean:.{decimals}f} ± {known.spread:.2g}"


def _decimals(value: float, digits: int) -> int:
    """Decimal places that show so many significant digits; no fewer than none."""
    return max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0


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
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, title_justify="left")
    for place, column in enumerate(table):
        shown.add_column(Text(column.heading), justify="right" if place else "left")
    for row in rows(table):
        shown.add_row(*map(Text, row))
    return shown
