"""What is read, what is predicted, and where the held-out rows begin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.tasks.forecast.spacing import season_of, step_of
from models.tasks.forecast.table import Table, Unusable

Array = npt.NDArray[np.float32]

HELD_OUT = 0.2
"""The share of rows, the last ones, that no training sees."""
LEAST_TRAINING, LEAST_HELD_OUT = 50, 10
"""Rows with all their next values."""


@dataclass(frozen=True, slots=True)
class Series:
    """N rows, evenly spaced. A forecast at row t is of the values of rows t + 1 to t + H."""

    times: tuple[str, ...]
    read: tuple[str, ...]
    predict: str
    inputs: Array
    """[N, F], the columns that are read, in raw units."""
    values: Array
    """[N], the column that is predicted."""
    horizon: int
    season: int
    """Rows, at most `split`."""
    split: int
    """Rows before it are for training. The last of them makes the first held-out forecast: its
    truth lies behind the split."""

    @property
    def scored(self) -> slice:
        """The rows whose forecasts are scored: all of their truth is known and held out."""
        return slice(self.split - 1, len(self.values) - self.horizon)


def series(
    table: Table,
    *,
    time: str | None = None,
    read: Sequence[str] | None = None,
    predict: str | None = None,
    horizon: int,
    season: int | None = None,
) -> Series:
    """Of a table's columns: left out, the time is the first, what is read every column of numbers.

    Raises Unusable.
    """
    time = time or table.header[0]
    step = step_of(table, time)
    numeric = [name for name in table.header if name != time and table.looks_numeric(name)]
    predict = predict or _only(table, numeric)
    read = tuple(read or numeric)
    columns = {
        name: table.numbers(name).astype(np.float32) for name in dict.fromkeys((*read, predict))
    }
    season = season or season_of(step)
    if season is None:
        raise Unusable(f"no season follows from the step of {time!r}: give its rows by --season")
    split = _split(table.source, len(table.rows), horizon, season)
    for name, numbers in columns.items():
        _check_change(table.source, name, numbers[:split], predicted=name == predict)
    return Series(
        times=table.column(time),
        read=read,
        predict=predict,
        inputs=np.stack([columns[name] for name in read], axis=1),
        values=columns[predict],
        horizon=horizon,
        season=season,
        split=split,
    )


def features(predict: str, horizon: int) -> tuple[str, ...]:
    """What the outputs mean."""
    steps = ("1 step", *(f"{ahead} steps" for ahead in range(2, horizon + 1)))
    return tuple(f"{predict} in {step}" for step in steps)


def predicted_by(outputs: Sequence[str]) -> str | None:
    """The column that outputs of such features predict; None if they are others."""
    predict = outputs[0].removesuffix(" in 1 step") if outputs else ""
    return predict if outputs and features(predict, len(outputs)) == tuple(outputs) else None


def ahead(values: Array, horizon: int) -> Array:
    """[N - H, H]: at row t, the values of rows t + 1 to t + H."""
    following: Array = np.lib.stride_tricks.sliding_window_view(values[1:], horizon)
    return following


def _only(table: Table, numeric: Sequence[str]) -> str:
    if len(numeric) != 1:
        raise Unusable(
            f"{table.source}: say which column to --predict: {', '.join(map(repr, numeric))}"
            if numeric
            else f"{table.source} has no column of numbers"
        )
    return numeric[0]


def _split(source: str, rows: int, horizon: int, season: int) -> int:
    """Leaves HELD_OUT of the rows, and enough on either side."""
    split = rows - math.ceil(HELD_OUT * rows)
    training, held_out = split - horizon, rows - horizon - split + 1
    if held_out < LEAST_HELD_OUT or training < LEAST_TRAINING or season >= split:
        raise Unusable(
            f"{source} has {rows} rows, {rows - split} of them held out: too few to look {horizon} "
            f"ahead with a season of {season}; give more rows, a shorter --horizon or a shorter "
            "--season"
        )
    return split


def _check_change(source: str, name: str, numbers: Array, *, predicted: bool) -> None:
    if (numbers == numbers[0]).all():
        cure = "predict another" if predicted else "name the columns to --read without it"
        raise Unusable(
            f"{source}: column {name!r} is {numbers[0]:g} in all {len(numbers)} rows for training, "
            f"so nothing can be learned from it: {cure}"
        )
