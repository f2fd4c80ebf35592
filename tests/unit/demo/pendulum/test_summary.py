"""The figures of an episode."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from demo.pendulum.summary import Figures, figures, table
from tests.unit.demo.pendulum.episodes import hanging, record, risen

STANDING = Figures(
    stands=True,
    time_to_upright=2.5,
    mean_error=0.125,
    upright_share=0.75,
    round_trip_p50=0.1005,
    round_trip_p99=0.19801,
    late=1,
    timesteps=200,
)


def test_one_that_stands() -> None:
    found = figures(risen())
    assert found == pytest.approx(STANDING)
    assert found.stands is True


def test_one_that_hangs_has_no_time_to_upright() -> None:
    found = figures(hanging())
    assert found.stands is False
    assert (found.time_to_upright, found.mean_error) == (None, None)
    assert found.upright_share == 0


def test_passing_the_top_is_not_standing() -> None:
    angles = np.full(200, 3.0)
    angles[150:] = 0.0
    found = figures(record(angles))
    assert found.stands is False
    assert found.time_to_upright is None
    assert found.upright_share == 0.25


def test_the_table_has_a_column_for_each_and_marks_what_there_is_not() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(table({"gru": STANDING, "memoryless": figures(hanging())}))
    assert isinstance(console.file, io.StringIO)
    lines = [line for line in console.file.getvalue().splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in line.strip("│").split("│")] for line in lines] == [
        ["stands at the end", "yes", "no"],
        ["time to upright [s]", "2.50", "-"],
        ["mean |angle| after it [rad]", "0.1250", "-"],
        ["upright [% of timesteps]", "75", "0"],
        ["round trip, p50 [ms]", "100.50", "100.50"],
        ["round trip, p99 [ms]", "198.01", "198.01"],
        ["late steps", "1 of 200", "1 of 200"],
    ]
