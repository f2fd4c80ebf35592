"""The forecast demo's last words."""

from __future__ import annotations

import dataclasses
from io import StringIO

import numpy as np
from rich.console import Console

from demo.forecast.loop import play
from demo.forecast.summary import table, verdict
from models.tasks.forecast.series import Array, Series
from tests.unit.demo.forecast.fakes import Prophet
from tests.unit.models.tasks.forecast.made import counted


def foretold(made: Series, error: float) -> Array:
    prophet = Prophet(made.horizon, error)
    return play(prophet.as_stream(), made, lambda timestep: None, lambda moment: None)


def test_the_table_has_every_measure_of_network_and_baselines() -> None:
    made, text = counted(100, horizon=3), StringIO()
    Console(file=text, width=100).print(table("a[b]", made, foretold(made, 0.25)))
    cells = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in text.getvalue().splitlines()
        if line.startswith("│")
    ]
    assert cells == [
        ["MAE at step 1 [value]", "0.25", "1", "7"],
        ["MAE at step 3 [value]", "0.25", "3", "7"],
        ["MAE over all steps [value]", "0.25", "2", "7"],
        ["MASE over all steps", "0.03571", "0.2857", "1"],
    ]
    assert "a[b]" in text.getvalue()


def test_the_verdict_compares_with_the_better_baseline() -> None:
    made = counted(100, horizon=3)
    assert verdict("sales-gru", made, foretold(made, 0.5)) == (
        "sales-gru: 18 forecasts of 3 steps, their mean error 0.25 times that of the last value."
    )
    short = counted(100, horizon=1)
    assert verdict("m", short, foretold(short, 2)).startswith(
        "m: 20 forecasts of 1 step, their mean error 2.00 times"
    )


def test_nothing_is_better_than_a_baseline_without_error() -> None:
    made = counted(140, horizon=3, season=7)
    seasonal = dataclasses.replace(made, values=(made.values % 7).astype(np.float32))
    assert verdict("m", seasonal, foretold(made, 0)).endswith(
        "their mean error not below that of the seasonal last value."
    )
