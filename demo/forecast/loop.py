"""A series on one stream, one row per message, and what is forecast at each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from demo.pace import Wait
from models.tasks.forecast.baseline import baselines, errors
from models.tasks.forecast.series import Array, Series, predicted_by, series
from models.tasks.forecast.table import Table
from stepwire import InvalidInput
from stepwire.sync import Stream


class Moment(NamedTuple):
    """A held-out row, as it went."""

    row: int
    """Of the whole series."""
    forecast: Sequence[float]
    """The next values, in the unit of the column."""
    so_far: dict[str, float]
    """Mean absolute errors of the forecasts whose truth has come, by who made them; empty before
    the first. The network is called `network`."""


Show = Callable[[Moment], None]


def series_for(stream: Stream, table: Table, time: str | None, season: int | None) -> Series:
    """The columns that the model reads and predicts. Raises InvalidInput for a model of something
    else, Unusable for a table that it cannot read.
    """
    inputs, outputs = stream.signature.inputs, stream.signature.outputs
    read = inputs[0].features if len(inputs) == 1 else ()
    horizon = outputs[0].features if len(outputs) == 1 else ()
    predict = predicted_by(horizon)
    if not read or predict is None:
        raise InvalidInput(
            f"the model takes {list(inputs)} and gives {list(outputs)}: name a --model that "
            "`stepwire train forecast` made"
        )
    return series(table, time=time, read=read, predict=predict, horizon=len(horizon), season=season)


def play(stream: Stream, made: Series, wait: Wait, show: Show) -> Array:
    """Streams all rows and shows the held-out ones, which are the timesteps it waits for.

    Returns the forecasts [N, H].
    """
    forecasts = np.full((len(made.values), made.horizon), np.nan, np.float32)
    rivals = {name: _running(errors(made, rival)) for name, rival in baselines(made).items()}
    start, total = made.scored.start, 0.0
    for row, inputs in enumerate(made.inputs):
        if row >= start:
            wait(row - start)
        forecasts[row] = stream.step(inputs)
        if row < start:
            continue
        so_far = {}
        judged = row - made.horizon  # its truth ends with this row
        if judged >= start:
            truth, count = made.values[judged + 1 : row + 1], judged - start + 1
            total += float(np.abs(forecasts[judged] - truth).mean(dtype=np.float64))
            so_far = {"network": total / count}
            so_far |= {name: means[count - 1] for name, means in rivals.items()}
        show(Moment(row, forecasts[row].tolist(), so_far))
    return forecasts


def _running(distances: Array) -> list[float]:
    """[R]: the mean of the errors [R, H] of the first 1, 2, ... forecasts."""
    by_forecast = distances.mean(axis=1, dtype=np.float64)
    means: list[float] = (by_forecast.cumsum() / np.arange(1, len(by_forecast) + 1)).tolist()
    return means
