"""Which contestant is best, in sentences made of the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from compare.contestants import Equal
from compare.results import Entry, Results, Statistic, statistic
from compare.table import figure
from models.tasks.task import Headline


def summary(results: Results) -> str:
    return " ".join(_sentences(results))


def _sentences(results: Results) -> Iterator[str]:
    headline = results.headline
    yield f"Judged by {headline.measure}: {headline.better} is better."
    for equal in get_args(Equal):
        rivals = results.alike(equal)
        if len(rivals) > 1:
            yield _verdict(equal, ranked(rivals, headline))
    if len(results.seeds) == 1:
        yield "One seed gives no spread: take more to tell skill from luck."
    ranking = ranked(results.entries, headline)
    if ranking:
        yield from _against_baselines(results, *ranking[0])


def ranked(entries: Sequence[Entry], headline: Headline) -> list[tuple[Entry, Statistic]]:
    """Those that have a figure, the best mean first."""
    found = [(entry, statistic(entry.measured(headline.measure))) for entry in entries]
    sign = 1 if headline.better == "lower" else -1
    return sorted(
        ((entry, known) for entry, known in found if known), key=lambda pair: sign * pair[1].mean
    )


def within_spread(one: Statistic, other: Statistic) -> bool:
    """Whether the means are no farther apart than the wider of the two spreads."""
    return abs(one.mean - other.mean) <= max(one.spread or 0.0, other.spread or 0.0)


def _verdict(equal: Equal, ranking: list[tuple[Entry, Statistic]]) -> str:
    if not ranking:
        return f"At equal {equal} no network has a figure."
    (best, figures), *others = ranking
    close = [
        f"{entry.contestant.name} ({figure(known)})"
        for entry, known in others
        if within_spread(figures, known)
    ]
    verdict = f"At equal {equal} {best.contestant.name} is best ({figure(figures)})"
    if close:
        return f"{verdict}, {_listed(close)} within the spread."
    return f"{verdict}{', beyond the spread' if others and figures.spread is not None else ''}."


def _against_baselines(results: Results, best: Entry, figures: Statistic) -> Iterator[str]:
    headline = results.headline
    sign = 1 if headline.better == "lower" else -1
    beaten: list[str] = []
    others: list[str] = []
    for name, score in results.baselines.items():
        value = score.get(headline.measure)
        if value is not None:
            beats = sign * figures.mean < sign * value
            (beaten if beats else others).append(f"{name} ({value:.4g})")
    if beaten:
        yield f"{best.contestant.name} beats {_listed(beaten)}."
    if others:
        yield f"{best.contestant.name} does not beat {_listed(others)}."


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
