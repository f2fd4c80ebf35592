"""The figures as they are printed."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from compare.results import Statistic
from compare.table import columns, costs, figure, markdown, measures, names, rows, terminal, verdict
from tests.unit.compare.made import ERROR, SHARE, diverged, entry, results, usual


def test_every_figure_is_where_it_belongs() -> None:
    table = columns(usual())
    found = [dict(zip((c.heading for c in table), row, strict=True)) for row in rows(table)]
    rnn, gru, large, last_value, oracle = found
    assert gru == {
        "": "gru 4",
        "equal": "both",
        "parameters": "40",
        ERROR: "2.0 ± 1.4",
        "memory [timesteps]": "3 ± 0",
        "training [s]": "2.0",
        "round trip [µs]": "400",
        "runtime step [µs]": "20.4",
        "state [bytes]": "16",
    }
    assert (rnn["equal"], large["equal"]) == ("hidden size", "parameters")
    assert large[ERROR] == "3 (1 of 2)" and large["memory [timesteps]"] == "≥ 4"
    assert (last_value[ERROR], last_value["state [bytes]"]) == ("3.5", "-")
    assert rnn[ERROR] == "5.0 ± 1.4" and oracle[ERROR] == "0.5"


def test_every_measure_has_a_row() -> None:
    table = measures(usual())
    assert [column.heading for column in table] == [
        *("", "rnn 4", "gru 4", "rnn 9", "last value", "oracle")
    ]
    assert list(rows(table)) == [
        (ERROR, "5.0 ± 1.4", "2.0 ± 1.4", "3 (1 of 2)", "3.5", "0.5"),
        (SHARE, "10 (1 of 2)", "85.0 ± 7.1", "-", "50", "-"),
    ]


def test_a_contestant_that_diverged_has_a_row_that_says_so() -> None:
    found = results(entry("rnn", 4, ("hidden size",), diverged(0), diverged(1), served=False))
    row = next(rows(columns(found)))
    assert row == ("rnn 4", "hidden size", "diverged", "-", "40", "-", "-", "-", "-")


@pytest.mark.parametrize(
    ("mean", "spread", "shown"),
    [
        (0.12345, 0.01234, "0.123 ± 0.012"),
        (98.76, 12.3, "99 ± 12"),
        (12345.6, 234.5, "12346 ± 234"),
        (0.68294, 3e-06, "0.6829 ± 3e-06"),
        (100.0, 0.0, "100 ± 0"),
        (0.0, 0.5, "0.00 ± 0.50"),
        (0.06219, None, "0.06219"),
    ],
)
def test_a_figure_has_the_digits_that_its_spread_allows(
    mean: float, spread: float | None, shown: str
) -> None:
    assert figure(Statistic(mean, spread, 2)) == shown


def test_the_markdown_is_a_table_that_github_reads() -> None:
    table = measures(usual())
    lines = markdown(table).splitlines()
    cells = [re.split(r"(?<!\\)\|", line) for line in lines]
    assert {len(row) for row in cells} == {len(table) + 2}
    assert all(row[0] == row[-1] == "" for row in cells)
    assert lines[1] == "| --- |" + " ---: |" * (len(table) - 1)
    assert SHARE.replace("|", r"\|") in lines[3]
    assert len(lines) == 2 + 2


def test_the_terminal_shows_whole_words_in_80_columns() -> None:
    found = usual()
    console = Console(file=io.StringIO(), width=80)
    console.print(terminal("scores", verdict(found)))
    console.print(terminal("costs", [column.first(3) for column in (names(found), *costs(found))]))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert [
        word for word in ("rnn 9", "2.0 ± 1.4", "oracle", "parameters") if word not in shown
    ] == []
    assert "…" not in shown
