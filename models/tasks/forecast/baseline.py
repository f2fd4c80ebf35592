"""What forecasts without a network, and how every forecast is judged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.tasks.forecast.series import Array, Series, ahead


def repeated(series: Series, season: int) -> Array:
    """Forecasts [N, H] at each row: the newest known value of the same place in the season.

    A season of one row repeats the last value. Where the past is too short for it, NaN.
    """
    steps = np.arange(1, series.horizon + 1)
    back = season * -(-steps // season) - steps  # rows behind the row that forecasts
    source = np.arange(len(series.values))[:, None] - back
    return np.where(source >= 0, series.values[source], np.float32(np.nan))


def baselines(series: Series) -> Mapping[str, Array]:
    """Forecasts [N, H] by name."""
    return {
        "last value": repeated(series, 1),
        "seasonal last value": repeated(series, series.season),
    }


def errors(series: Series, forecasts: Array) -> Array:
    """Absolute errors [R, H] of held-out forecasts, of those [N, H] or [N - H, H] at all rows."""
    scored = series.scored
    truth = ahead(series.values, series.horizon)
    distance: Array = np.abs(forecasts[scored] - truth[scored])
    return distance


def score(series: Series, forecasts: Array) -> Mapping[str, float | None]:
    """Mean absolute errors of held-out forecasts, in the unit of the column, and their ratio to
    the scale of Hyndman and Koehler, "Another look at measures of forecast accuracy", International
    Journal of Forecasting 22 (2006): the seasonal last value's error in the rows for training.
    """
    by_step = errors(series, forecasts).mean(axis=0, dtype=np.float64)
    learned = series.values[: series.split].astype(np.float64)
    scale = np.abs(learned[series.season :] - learned[: -series.season]).mean()
    mean = float(by_step.mean())
    return {
        f"MAE at step 1 [{series.predict}]": float(by_step[0]),
        f"MAE at step {series.horizon} [{series.predict}]": float(by_step[-1]),
        overall(series): mean,
        "MASE over all steps": mean / float(scale) if scale else None,
    }


def overall(series: Series) -> str:
    """The measure of a whole forecast, by its name in the score."""
    return f"MAE over all steps [{series.predict}]"
