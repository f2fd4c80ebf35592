"""How the held-out forecasts did, beside those that need no network."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from models.tasks.forecast.baseline import baselines, score
from models.tasks.forecast.series import Array, Series


def table(model: str, series: Series, forecasts: Array) -> Table:
    """A column for each contestant, a row for each measure; forecasts [N, H]."""
    contestants = {model: forecasts, **baselines(series)}
    scores = {name: score(series, made) for name, made in contestants.items()}
    shown = Table()
    shown.add_column("")
    for name in scores:
        shown.add_column(name, justify="right")
    for measure in scores[model]:
        shown.add_row(Text(measure), *(_figure(each[measure]) for each in scores.values()))
    return shown


def verdict(model: str, series: Series, forecasts: Array) -> str:
    """Whether the network is better than both over all steps, in a line."""
    measure = f"MAE over all steps [{series.predict}]"
    network = score(series, forecasts)[measure] or 0.0
    best = min(score(series, made)[measure] or 0.0 for made in baselines(series).values())
    ratio = f"{network / best:.2f} times" if best else "not better than"
    scored = len(series.values[series.scored])
    return (
        f"{model}: {scored} forecasts of {series.horizon} steps, their mean error {ratio} "
        "the better baseline's."
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
