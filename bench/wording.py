"""Figures, goals and verdicts in words, the same in the terminal and on the page."""

from __future__ import annotations

from statistics import median

from bench.machine import QUIET_LOAD, Circumstances
from bench.part import Results
from bench.ratios import Row

_STEADY_SPREAD = 0.15


def measured(row: Row) -> str:
    return _figure(median(row.measured), row.unit)


def floor(row: Row) -> str:
    return _figure(median(row.floor), row.unit)


def ratio(row: Row) -> str:
    if len(row.ratios) == 1:
        return f"{row.ratio:.2f}"
    return f"{row.ratio:.2f} ({min(row.ratios):.2f} to {max(row.ratios):.2f})"


def goal(row: Row) -> str:
    if row.goal is None:
        return ""
    bound = f"{'≥' if row.at_least else '≤'} {row.goal.bound:g}"
    return bound if row.goal.asked else f"{bound} expected"


def verdict(row: Row) -> str:
    if row.goal is None:
        return ""
    if row.goal.asked:
        return "reached" if row.reached else "NOT REACHED"
    return "as expected" if row.reached else "not as expected"


def kind(row: Row) -> str:
    """The class of the page's style that the verdict has."""
    if row.goal is None:
        return ""
    if row.reached:
        return "good"
    return "bad" if row.goal.asked else "open"


def unsteady(row: Row) -> bool:
    """Whether the floor's own rounds lie so far apart that the row says little."""
    return row.apart > _STEADY_SPREAD


def warnings(results: list[Results], here: Circumstances) -> list[str]:
    """Why figures may be off: others at work on the machine, or rounds far apart."""
    found = []
    if here.load_average > QUIET_LOAD:
        found.append(
            f"the load average was {here.load_average:.2f} at the start: others were at work"
        )
    if here.cores.client == here.cores.server:
        found.append(str(here.cores))
    rows = {(row.what, row.label): row for part in results for row in part.rows if unsteady(row)}
    return found + [
        f"{row.what}, {row.label}: the rounds of {row.against} lie {row.apart:.0%} apart"
        for row in rows.values()
    ]


def _figure(value: float, unit: str) -> str:
    if unit == "/s":
        return f"{value:,.0f}"
    return f"{value:,.1f} {unit}"
