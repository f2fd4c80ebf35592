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
    steps = [_step(earlier, later) for earlier, later in pairwise(moments)]
    [(usual, _)] = Counter(steps).most_common(1)
    for place, step in enumerate(steps, start=1):
        if not _same(step, usual):
            fault = _fault(moments[place - 1], moments[place])
            raise Unusable(
                f"{table.source}, line {table.lines[place]}, column {column!r}: {cells[place]} "
                f"{fault} {cells[place - 1]}, where most rows are {_spoken(usual)} apart: give "
                "every step one row, in the order of time"
            )
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
    if isinstance(earlier, datetime) and isinstance(later, datetime):
        months = 12 * (later.year - earlier.year) + later.month - earlier.month
        if months > 0 and _at_one_point_of_the_month(earlier, later):
            return Months(months)
        return later - earlier
    assert isinstance(earlier, float) and isinstance(later, float)
    return later - earlier


def _at_one_point_of_the_month(one: datetime, other: datetime) -> bool:
    same_day = one.day == other.day or all((day + DAY).day == 1 for day in (one, other))
    return same_day and one.timetz() == other.timetz()


def _same(step: Step, usual: Step) -> bool:
    if isinstance(step, float) and isinstance(usual, float):
        return usual > 0 and abs(step - usual) <= TOLERANCE * usual
    return step == usual and not (isinstance(usual, timedelta) and usual <= timedelta(0))


def _fault(earlier: Moment, later: Moment) -> str:
    if isinstance(earlier, datetime) and isinstance(later, datetime):
        before, after = earlier.timestamp(), later.timestamp()
    else:
        assert isinstance(earlier, float) and isinstance(later, float)
        before, after = earlier, later
    if after == before:
        return "repeats"
    return "follows" if after > before else "comes after the later"


def _spoken(step: Step) -> str:
    return f"{step:g}" if isinstance(step, float) else str(step).removesuffix(", 0:00:00")
