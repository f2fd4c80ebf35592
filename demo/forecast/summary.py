"""How the held-out forecasts did, beside those that need no network."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from models.tasks.forecast.baseline import baselines, errors, score
from models.tasks.forecast.series import Array, Series


def table(model: str, series: Series, forecasts: Array) -> Table:
    """A column for each contestant, a row for each measure; forecasts [N, H]."""
    contestants = {model: forecasts, **baselines(series)}
    scores = {name: score(series, made) for name, made in contestants.items()}
    shown = Table()
    shown.add_column("")
    for name in scores:
        shown.add_column(Text(name), justify="right")
    for measure in scores[model]:
        shown.add_row(Text(measure), *(_figure(each[measure]) for each in scores.values()))
    return shown


def verdict(model: str, series: Series, forecasts: Array) -> str:
    """How the network's mean error over all steps stands to the better baseline's, in a line."""
    scored = errors(series, forecasts)
    network = float(scored.mean())
    rivals = {name: float(errors(series, made).mean()) for name, made in baselines(series).items()}
    best = min(rivals, key=lambda name: rivals[name])
    ratio = f"{network / rivals[best]:.2f} times" if rivals[best] else "not below"
    steps = "1 step" if series.horizon == 1 else f"{series.horizon} steps"
    return (
        f"{model}: {len(scored)} forecasts of {steps}, their mean error {ratio} that of the {best}."
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
