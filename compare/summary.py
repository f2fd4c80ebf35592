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
    if any(entry.scored for entry in results.entries):
        yield from _against_baselines(results)


def ranked(entries: Sequence[Entry], headline: Headline) -> list[tuple[Entry, Statistic]]:
    """Those that have a figure, the best mean first."""
    found = [(entry, statistic(entry.measured(headline.measure))) for entry in entries]
    sign = _sign(headline)
    return sorted(
        ((entry, known) for entry, known in found if known), key=lambda pair: sign * pair[1].mean
    )


def _sign(headline: Headline) -> int:
    """What a measure is multiplied by so that less is better."""
    return 1 if headline.better == "lower" else -1


def within_spread(one: Statistic, other: Statistic) -> bool:
    """Whether the means are no farther apart than the wider of the two spreads."""
    return abs(one.mean - other.mean) <= max(one.spread or 0.0, other.spread or 0.0)


def _verdict(equal: Equal, ranking: list[tuple[Entry, Statistic]]) -> str:
    if not ranking:
        return f"At equal {equal} no network has a figure."
    (best, figures), *others = ranking
    tied = [entry.contestant.name for entry, known in ranking if known.mean == figures.mean]
    if len(tied) > 1:
        return f"At equal {equal} {_listed(tied)} tie ({figures.mean:.4g})."
    close = [
        f"{entry.contestant.name} ({figure(known)})"
        for entry, known in others
        if within_spread(figures, known)
    ]
    verdict = f"At equal {equal} {best.contestant.name} is best ({figure(figures)})"
    if close:
        return f"{verdict}, {_listed(close)} within the spread."
    return f"{verdict}{', beyond the spread' if others and figures.spread is not None else ''}."


def _against_baselines(results: Results) -> Iterator[str]:
    """A sentence for all baselines that the same networks do not beat."""
    headline = results.headline
    sign = _sign(headline)
    ranking = ranked(results.entries, headline)
    unbeaten: dict[tuple[str, ...], list[str]] = {}
    for name, score in results.baselines.items():
        value = score.get(headline.measure)
        if value is None or name in headline.ceilings:
            continue
        behind = tuple(
            entry.contestant.name for entry, known in ranking if sign * known.mean >= sign * value
        )
        unbeaten.setdefault(behind, []).append(f"{name} ({value:.4g})")
    for behind, baselines in unbeaten.items():
        if not behind:
            yield f"Every network beats {_listed(baselines)}."
        elif len(behind) == len(ranking):
            yield f"No network beats {_listed(baselines)}."
        else:
            verb = "does" if len(behind) == 1 else "do"
            yield f"{_listed(behind)} {verb} not beat {_listed(baselines)}; the others do."


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
