"""Tables as a user might have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np

from models.tasks.forecast.series import Series, series
from models.tasks.forecast.table import Table


def table(header: str, *rows: str) -> Table:
    lines = [text.split(",") for text in (header, *rows)]
    return Table.of("t.csv", enumerate(lines, start=1))


def dates(count: int, start: date = date(2024, 1, 1), step: int = 1) -> list[str]:
    return [(start + timedelta(step * place)).isoformat() for place in range(count)]


def daily(values: Iterable[float], others: Iterable[float] | None = None) -> Table:
    """Columns `date` and `value`, and `other` if it is given."""
    values = list(values)
    columns: list[Sequence[str]] = [dates(len(values)), [f"{value:g}" for value in values]]
    if others is not None:
        columns.append([f"{value:g}" for value in others])
    header = ",".join(("date", "value", "other")[: len(columns)])
    return table(header, *(",".join(cells) for cells in zip(*columns, strict=True)))


def counted(count: int = 100, horizon: int = 3, season: int | None = None) -> Series:
    """The value of each row is its place."""
    return series(daily(np.arange(count)), horizon=horizon, season=season)
