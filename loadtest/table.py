"""A run's figures for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loadtest import wording
from loadtest.account import kinds
from loadtest.finding import Tried
from loadtest.load import Load
from loadtest.outcome import Outcome

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
_TERM = 12
"""Characters."""


def table(outcome: Outcome) -> str:
    return "\n".join(
        [heading(outcome), *(f"  {term:<{_TERM}}{told}" for term, told in rows(outcome))]
    )


def heading(outcome: Outcome) -> str:
    served = outcome.served
    return f"{served.model}/{served.version}, {asked(outcome.load)}"


def asked(load: Load) -> str:
    pace = "one step after the other" if load.rate is None else f"{wording.rate(load.rate)} each"
    streams = wording.counted(load.streams, "stream")
    return f"{streams}, {pace}, {load.duration:g} s by the {load.protocol} protocol"


def rows(outcome: Outcome) -> Iterator[tuple[str, str]]:
    total = outcome.total
    if outcome.load.asked is not None:
        yield "asked", wording.rate(outcome.load.asked)
    yield (
        "reached",
        f"{wording.rate(outcome.rate)}, {total.answered:,} of {total.due:,} steps answered",
    )
    told = ", ".join(f"{name} {wording.duration(value)}" for name, value in percentiles(outcome))
    yield "latency", told if outcome.latency.count else "none"
    if total.came and total.queued + total.computed:
        queued, computed = (each / total.came for each in (total.queued, total.computed))
        yield (
            "server",
            f"{wording.duration(queued)} queued, {wording.duration(computed)} computed (mean)",
        )
    if outcome.mean_batch is not None:
        yield "batch size", f"{wording.number(outcome.mean_batch)} (mean)"
    if outcome.misses is not None:
        yield (
            "misses",
            f"{wording.share(outcome.misses)}, not answered before the next step was due",
        )
    yield "errors", ", ".join(f"{count:,} {kind}" for kind, count in kinds(total.errors)) or "none"
    lateness = wording.duration(total.lateness.percentile(99))
    yield (
        "late",
        f"{wording.share(outcome.late)} sent over 1 ms late by the loader (p99 {lateness})",
    )


def percentiles(outcome: Outcome) -> Iterator[tuple[str, float]]:
    """By their names, in seconds."""
    for percent in PERCENTILES:
        yield f"p{percent:g}", outcome.latency.percentile(percent)
    yield "max", outcome.latency.maximum


def trial_rows(trials: Iterable[Tried]) -> Iterator[tuple[str, ...]]:
    """What was tried, streams, rate of each, asked, reached, p50, p99, max, verdict."""
    for tried in trials:
        outcome, load = tried.outcome, tried.outcome.load
        latency = outcome.latency
        shown = (latency.percentile(50), latency.percentile(99), latency.maximum)
        yield (
            tried.purpose,
            f"{load.streams:,}",
            wording.rate(load.rate or 0.0),
            wording.rate(load.asked or 0.0),
            wording.rate(outcome.rate),
            *(wording.duration(each) if latency.count else "-" for each in shown),
            "holds" if tried.held else f"does not hold: {tried.failure}",
        )


_WIDTHS = (8, 9, 10, 10, 10, 9, 9, 9)


def trial_heading() -> str:
    return _columns("trial", "streams", "each", "asked", "reached", "p50", "p99", "max", "")


def trial_line(tried: Tried) -> str:
    (cells,) = trial_rows([tried])
    return _columns(*cells)


def _columns(first: str, *cells: str) -> str:
    *figures, last = cells
    told = "".join(f"{cell:>{width}}" for cell, width in zip(figures, _WIDTHS[1:], strict=True))
    return f"{first:<{_WIDTHS[0]}}{told}  {last}".rstrip()


def advice(outcome: Outcome) -> str | None:
    """Where the figures are the loader's as much as the server's."""
    if not outcome.loader_limit:
        return None
    if outcome.load.arrivals == "recorded":
        remedy = "a processor of its own, or a lower --speed"
    else:
        remedy = "more --processes, processors of its own, or a lower rate"
    return f"{outcome.loader_limit}; these latencies are partly its own: give it {remedy}"
