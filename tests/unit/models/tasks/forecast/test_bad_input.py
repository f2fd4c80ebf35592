"""`stepwire train forecast` on what it cannot use: one line, exit code 2, nothing written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.command import train
from tests.unit.models.tasks.forecast.made import dates

Edit = Callable[[list[str]], Sequence[str]]
"""Makes a bad file of the lines of a good one."""


def good(rows: int = 100) -> list[str]:
    """Columns day, sales and price; row N stands in line N + 2."""
    cells = (f"{day},{place % 7 + 5},{place % 3 + 1}" for place, day in enumerate(dates(rows)))
    return ["day,sales,price", *cells]


def line(number: int, text: str) -> Edit:
    """With another text in a line."""
    return lambda lines: [*lines[: number - 1], text, *lines[number:]]


def without(number: int) -> Edit:
    return lambda lines: [*lines[: number - 1], *lines[number:]]


def constant(lines: list[str]) -> list[str]:
    return [lines[0], *(f"{row.split(',')[0]},4,{row.split(',')[2]}" for row in lines[1:])]


def said(folder: Path, content: bytes, *options: str) -> str:
    """The one line of the refusal, after the file's name."""
    path = folder / "t.csv"
    path.write_bytes(content)
    result = CliRunner().invoke(
        train, ["forecast", "--csv", str(path), "--out", str(folder / "runs"), *options]
    )
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert [each.name for each in folder.iterdir()] == ["t.csv"]
    [refusal] = result.stderr.splitlines()
    assert refusal.startswith("error: ")
    return refusal.removeprefix("error: ").replace(str(path), "t.csv")


CELLS: dict[str, tuple[Edit, str]] = {
    "a gap in a column": (
        line(50, "2024-02-18,,1"),
        "t.csv, line 50, column 'sales': the cell is empty: fill the gap, or leave the column out",
    ),
    "text in a number column": (
        line(50, "2024-02-18,many,1"),
        "t.csv, line 50, column 'sales': 'many' is no number: mend it, or leave the column out",
    ),
    "text in the first row of a number column": (
        line(2, "2024-01-01,5,cheap"),
        "t.csv, line 2, column 'price': 'cheap' is no number: mend it, or leave the column out",
    ),
    "NaN": (
        line(50, "2024-02-18,NaN,1"),
        "t.csv, line 50, column 'sales': 'NaN' is not finite: mend it, or leave the column out",
    ),
    "infinity": (
        line(50, "2024-02-18,1,-inf"),
        "t.csv, line 50, column 'price': '-inf' is not finite: mend it, or leave the column out",
    ),
    "a short row": (
        line(50, "2024-02-18,7"),
        "t.csv, line 50: 2 cells where the header has 3: give each row a cell for each column",
    ),
    "a long row": (
        line(50, "2024-02-18,7,1,1"),
        "t.csv, line 50: 4 cells where the header has 3: give each row a cell for each column",
    ),
    "a day left out": (
        without(50),
        "t.csv, line 50, column 'day': 2024-02-19 follows 2024-02-17, where most rows are 1 day "
        "apart: give every step one row, in the order of time",
    ),
    "a day twice": (
        line(50, "2024-02-17,7,1"),
        "t.csv, line 50, column 'day': 2024-02-17 repeats 2024-02-17, where most rows are 1 day "
        "apart: give every step one row, in the order of time",
    ),
    "the newest day first": (
        lambda lines: [lines[0], *reversed(lines[1:])],
        "t.csv, line 3, column 'day': 2024-04-08 comes after the later 2024-04-09: give every step "
        "one row, in the order of time",
    ),
    "no day": (
        line(50, "18.02.2024,7,1"),
        "t.csv, line 50, column 'day': '18.02.2024' is neither an ISO date or time nor a number: "
        "mend it, or name another column as time",
    ),
    "two columns of one name": (
        line(1, "day,sales,sales"),
        "t.csv, line 1: two columns are called 'sales': rename one",
    ),
    "no header": (
        without(1),
        "t.csv, line 1 holds values, not names: put a header of names above the rows",
    ),
    "a header only": (lambda lines: lines[:1], "t.csv has a header and no rows"),
    "an empty file": (
        lambda lines: [],
        "t.csv is empty: it needs a line of column names and rows below it",
    ),
    "too few rows": (
        lambda lines: lines[:41],
        "t.csv has 40 rows, 8 of them held out: too few to look 7 ahead with a season of 7; give "
        "more rows, a shorter --horizon or a shorter --season",
    ),
    "a constant target": (
        constant,
        "t.csv: column 'sales' is 4 in all 80 rows for training, so nothing can be learned from "
        "it: predict another",
    ),
}


@pytest.mark.parametrize(("edit", "refusal"), CELLS.values(), ids=CELLS)
def test_a_bad_file_is_one_line_that_says_where(tmp_path: Path, edit: Edit, refusal: str) -> None:
    content = "\n".join(edit(good())).encode()
    assert said(tmp_path, content, "--predict", "sales") == refusal


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_lines_are_counted_alike_in_every_dialect(
    tmp_path: Path, delimiter: str, mark: str, line_end: str
) -> None:
    lines = line(50, "2024-02-18,,1")(good())
    content = (mark + line_end.join(lines).replace(",", delimiter)).encode()
    assert said(tmp_path, content, "--predict", "sales").startswith(
        "t.csv, line 50, column 'sales'"
    )


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (
            ("--predict", "turnover"),
            "t.csv has no column 'turnover', but 'day', 'sales', 'price'",
        ),
        (
            ("--predict", "sales", "--read", "sales,wind"),
            "t.csv has no column 'wind', but 'day', 'sales', 'price'",
        ),
        (("--time", "hour"), "t.csv has no column 'hour', but 'day', 'sales', 'price'"),
        ((), "t.csv: say which column to --predict: 'sales', 'price'"),
        (
            ("--predict", "sales", "--horizon", "200"),
            "t.csv has 100 rows, 20 of them held out: too few to look 200 ahead with a season of "
            "7; give more rows, a shorter --horizon or a shorter --season",
        ),
        (
            ("--predict", "sales", "--season", "90"),
            "t.csv has 100 rows, 20 of them held out: too few to look 7 ahead with a season of "
            "90; give more rows, a shorter --horizon or a shorter --season",
        ),
        (
            ("--predict", "day"),
            "t.csv, line 2, column 'day': '2024-01-01' is no number: mend it, or leave the column "
            "out",
        ),
        (
            ("--time", "sales", "--predict", "price"),
            "t.csv, line 9, column 'sales': 5 comes after the later 11, where most rows are 1 "
            "apart: give every step one row, in the order of time",
        ),
        (
            ("--delimiter", "::"),
            "'::' is no delimiter: give one character, such as , or ;",
        ),
        (
            ("--predict", "sales", "--bidirectional"),
            "a bidirectional network would read the values that it is to foretell",
        ),
    ],
)
def test_a_bad_choice_is_one_line_that_says_what_there_is(
    tmp_path: Path, options: Sequence[str], refusal: str
) -> None:
    assert said(tmp_path, "\n".join(good()).encode(), *options) == refusal


@pytest.mark.parametrize("option", ["--horizon", "--season"])
def test_a_count_of_rows_is_at_least_one(tmp_path: Path, option: str) -> None:
    result = CliRunner().invoke(train, ["forecast", option, "0", "--out", str(tmp_path / "runs")])
    assert result.exit_code == 2 and option in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_no_text_are_named_by_line(tmp_path: Path) -> None:
    content = "\n".join(line(50, "2024-02-18,7,1 €")(good())).encode("cp1252")
    assert said(tmp_path, content).startswith("t.csv, line 50: not in UTF-8 (")


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(train, ["forecast", "--csv", str(tmp_path / "none.csv")])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: cannot read ") and result.stderr.count("\n") == 1
