"""The forecast demo's picture: lines when piped, a chart on a terminal."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from demo.forecast.view import COLUMNS, LINES, ROWS, chart, scene, watching
from models.tasks.forecast.series import series
from tests.unit.demo.forecast.fakes import moment
from tests.unit.models.tasks.forecast.made import counted, daily

BLANK = "\u2800"


def test_without_a_terminal_some_moments_are_lines() -> None:
    made, text = counted(1000, horizon=3), StringIO()
    with watching(Console(file=text), "m", made) as show:
        for row in range(made.scored.start, 1000):
            show(moment(made, row, None if row < 802 else 0.25))
    first, *others = text.getvalue().splitlines()
    assert len(others) in (LINES, LINES + 1)
    assert first == (
        "2026-03-10  value 799, next 800, in 3 802  no forecast's truth is complete yet"
    )
    assert others[-1] == (
        "2026-09-26  value 999, next 1000, in 3 1002  MAE so far: network 0.25, last value 2"
    )


def test_a_terminal_shows_the_past_the_forecast_and_the_errors() -> None:
    made = counted(100, horizon=3)
    console = Console(file=StringIO(), width=90)
    with console.capture() as drawn:
        console.print(scene("my[x]", made, moment(made, 85, 0.25)))
    text = drawn.get()
    assert "my[x]" in text and "value, and its forecast" in text
    assert "2024-03-26: 85, next 86, in 3 steps 88" in text
    assert "MAE so far: network 0.25, last value 2" in text


@pytest.mark.parametrize(("horizon", "season"), [(1, 1), (3, 7), (3, 60), (60, 7)])
def test_past_and_forecast_fill_the_width_at_any_horizon(horizon: int, season: int) -> None:
    made = counted(600, horizon, season)
    past, ahead = (part.splitlines() for part in chart(made, moment(made, 500)))
    assert len(past) == len(ahead) == ROWS
    assert {len(left + right) for left, right in zip(past, ahead, strict=True)} == {COLUMNS}
    for part in (past, ahead):
        columns = ["".join(line[place] for line in part) for place in range(len(part[0]))]
        assert all(column.strip(BLANK) for column in columns)


def test_the_forecast_begins_at_the_height_where_the_past_ends() -> None:
    values = np.where(np.arange(100) % 2, 10, 0)
    made = series(daily(values), horizon=2)
    for row, line in ((81, 0), (82, ROWS - 1)):
        past, ahead = chart(made, moment(made, row)._replace(forecast=[5.0, 5.0]))
        assert past.splitlines()[line][-1] != BLANK
        assert ahead.splitlines()[line][0] != BLANK
