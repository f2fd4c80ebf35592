"""A time column: dates, times or numbers, strictly increasing and evenly spaced."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from models.tasks.forecast.table import Table, Unusable

Moment = datetime | float

_DATE = re.compile(r"\d{4}-?\d{2}-?\d{2}$|\d{4}-")
_MONTH = re.compile(r"\d{4}-\d{2}")
TOLERANCE = 0.01
"""Of a step between numbers, which may have been rounded."""

FOLLOWS = "follows"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Months(NamedTuple):
    """From a day of one month to the same day of another, or from its last day to the last."""

    number: int

    def __str__(self) -> str:
        return "1 month" if self.number == 1 else f"{self.number} months"


Step = timedelta | Months | float


def step_of(table: Table, column: str) -> Step:
    """The step from each row to the next, told by most of them.

    Raises Unusable at the first row that is no time, or not one step after the row above.
    """
    cells = table.column(column)
    moments = _moments(table, column, cells)
    if len(moments) < 2:
        raise Unusable(f"{table.source} has a single row, and so no step in time")
    usual = _usual(moments)
    for place, (earlier, later) in enumerate(pairwise(moments), start=1):
        if usual is None or not _apart(earlier, later, usual):
            expected = f", where most rows are {_spoken(usual)} apart" if usual else ""
            raise Unusable(
                f"{table.source}, line {table.lines[place]}, column {column!r}: {cells[place]} "
                f"{_order(earlier, later)} {cells[place - 1]}{expected}: give every step one row, "
                "in the order of time"
            )
    assert usual is not None  # there are steps, and all are the same
    return usual


def season_of(step: Step) -> int | None:
    """The steps of a season where the step suggests one: a day of steps of an hour or less, a week
    of days, a year of weeks, months or quarters.
    """
    if isinstance(step, Months):
        return 12 // step.number if step.number in (1, 3) else None
    if not isinstance(step, timedelta):
        return None
    if step <= HOUR and not DAY % step:
        return DAY // step
    return {DAY: 7, 7 * DAY: 52}.get(step)


def _moments(table: Table, column: str, cells: Sequence[str]) -> list[Moment]:
    """All dates and times, with a zone or without, or all numbers: as the first is."""
    moments: list[Moment] = []
    for line, cell in zip(table.lines, cells, strict=True):
        where = f"{table.source}, line {line}, column {column!r}"
        try:
            moment = _moment(cell)
        except ValueError as error:
            raise Unusable(
                f"{where}: {cell!r} is neither an ISO date or time nor a number: mend it, or name "
                "another column as time"
            ) from error
        if moments and _form(moment) != _form(moments[0]):
            raise Unusable(
                f"{where}: {cell} is {_form(moment)}, the first row's {cells[0]} "
                f"{_form(moments[0])}: write all times alike"
            )
        moments.append(moment)
    return moments


def _moment(cell: str) -> Moment:
    if _MONTH.fullmatch(cell):
        return datetime.fromisoformat(f"{cell}-01")
    if _DATE.match(cell):
        return datetime.fromisoformat(cell)
    number = float(cell)
    if number - number != 0:
        raise ValueError("not finite")
    return number


def _form(moment: Moment) -> str:
    if isinstance(moment, float):
        return "a number"
    return "a time without a zone" if moment.tzinfo is None else "a time with a zone"


def _step(earlier: Moment, later: Moment) -> Step:
    """In months where it can be told in months."""
    months = _months(earlier, later)
    return months if months else _difference(earlier, later)


def _difference(earlier: Moment, later: Moment) -> timedelta | float:
    if isinstance(earlier, datetime) and isinstance(later, datetime):
        return later - earlier
    assert isinstance(earlier, float) and isinstance(later, float)
    return later - earlier


def _months(earlier: Moment, later: Moment) -> Months | None:
    """Where both stand at the same point of their months, the later in a later one."""
    if not isinstance(earlier, datetime) or not isinstance(later, datetime):
        return None
    months = 12 * (later.year - earlier.year) + later.month - earlier.month
    last_days = all((day + DAY).day == 1 for day in (earlier, later))
    same_day = earlier.day == later.day or last_days
    same_time = earlier.timetz() == later.timetz()
    return Months(months) if months > 0 and same_day and same_time else None


def _usual(moments: Sequence[Moment]) -> Step | None:
    """The most common step that leads forward in time, if any does."""
    forward = (_step(*pair) for pair in pairwise(moments) if _order(*pair) == FOLLOWS)
    common = Counter(forward).most_common(1)
    return common[0][0] if common else None


def _apart(earlier: Moment, later: Moment, step: Step) -> bool:
    """Whether they are; four weeks may be a month too, and are then four weeks nevertheless."""
    if isinstance(step, Months):
        return _months(earlier, later) == step
    difference = _difference(earlier, later)
    if isinstance(difference, float) and isinstance(step, float):
        return abs(difference - step) <= TOLERANCE * step
    return difference == step


def _order(earlier: Moment, later: Moment) -> str:
    """How the later row stands to the earlier one."""
    difference = _difference(earlier, later)
    length = difference.total_seconds() if isinstance(difference, timedelta) else difference
    if length == 0:
        return "repeats"
    return FOLLOWS if length > 0 else "comes after the later"


def _spoken(step: Step) -> str:
    return f"{step:g}" if isinstance(step, float) else str(step).removesuffix(", 0:00:00")
