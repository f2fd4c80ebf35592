"""A series as it comes in, and the forecast ahead: drawn on a terminal, some lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from demo.canvas import Canvas
from demo.forecast.loop import Moment, Show
from demo.stage import draws
from models.tasks.forecast.series import Series

COLUMNS, ROWS = 72, 12
SEASONS = 8
"""That are drawn of the past, as far as there are dots for them or the forecast is as long."""
LINES = 10
"""Where nothing can be drawn."""


@contextmanager
def watching(console: Console, model: str, series: Series) -> Iterator[Show]:
    """Takes each held-out moment as it happens."""
    if not draws(console):
        yield lambda moment: _print_some(console, series, moment)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda moment: live.update(scene(model, series, moment), refresh=True)


def _print_some(console: Console, series: Series, moment: Moment) -> None:
    rows = len(series.values)
    passed, held_out = moment.row - series.scored.start, rows - series.scored.start
    if passed % max(1, held_out // LINES) == 0 or moment.row == rows - 1:
        console.print(
            f"{series.times[moment.row]}  {series.predict} {series.values[moment.row]:g}, "
            f"next {moment.forecast[0]:.4g}, in {series.horizon} {moment.forecast[-1]:.4g}  "
            f"{_errors(moment)}",
            highlight=False,
            soft_wrap=True,
        )


def scene(model: str, series: Series, moment: Moment) -> Panel:
    """The newest rows up to the moment's, and what it forecasts behind them."""
    past, steps = chart(series, moment)
    drawing = Text("\n").join(
        Text.assemble((left, "yellow"), (right, "green"))
        for left, right in zip(past.splitlines(), steps.splitlines(), strict=True)
    )
    now = (
        f"{series.times[moment.row]}: {series.values[moment.row]:g}, "
        f"next {moment.forecast[0]:.4g}, in {series.horizon} steps {moment.forecast[-1]:.4g}"
    )
    return Panel(
        Group(
            Text.assemble((series.predict, "yellow"), ", and its ", ("forecast", "green")),
            drawing,
            Text(now),
            Text(_errors(moment), style="dim"),
        ),
        title=Text(model),
        title_align="left",
        expand=False,
    )


def chart(series: Series, moment: Moment) -> tuple[str, str]:
    """The past and the forecast, to be set side by side: lines on one scale, that of all values."""
    shown = min(SEASONS * series.season, moment.row, max(2 * COLUMNS, series.horizon))
    share = series.horizon / (shown + series.horizon)
    columns = min(max(1, round(COLUMNS * share)), COLUMNS // 2)
    past = series.values[moment.row - shown : moment.row + 1].tolist()
    ahead = [past[-1], *moment.forecast]
    limits = float(series.values.min()), float(series.values.max())
    return _line(past, COLUMNS - columns, limits), _line(ahead, columns, limits)


def _line(values: list[float], columns: int, limits: tuple[float, float]) -> str:
    """From edge to edge."""
    canvas = Canvas(columns, ROWS)
    low, high = limits
    heights = [(canvas.height - 1) * (high - value) / (high - low) for value in values]
    width = (canvas.width - 1) / (len(values) - 1)
    for place in range(len(values) - 1):
        canvas.line(place * width, heights[place], (place + 1) * width, heights[place + 1])
    return str(canvas)


def _errors(moment: Moment) -> str:
    if not moment.so_far:
        return "no forecast's truth is complete yet"
    return "MAE so far: " + ", ".join(
        f"{name} {error:.4g}" for name, error in moment.so_far.items()
    )
