"""A CSV, read as it is or refused with the place of its fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.tasks.forecast.table import DELIMITERS, Table, Unusable, read
from tests.unit.models.tasks.forecast.made import table


def file(folder: Path, content: str | bytes) -> Path:
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_delimiter_is_the_one_that_splits_the_header(tmp_path: Path, delimiter: str) -> None:
    path = file(tmp_path, f"a{delimiter}b\n1{delimiter}2\n")
    assert read(path).header == ("a", "b")
    assert read(path, delimiter).rows == (("1", "2"),)


def test_a_delimiter_that_is_given_is_kept(tmp_path: Path) -> None:
    assert read(file(tmp_path, "a;b,c\n1;2\n"), ";").header == ("a", "b,c")


@pytest.mark.parametrize("delimiter", ["", "::", '"', "\n"])
def test_what_cannot_delimit_is_refused(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(Unusable, match="is no delimiter: give one character"):
        read(file(tmp_path, "a,b\n1,2\n"), delimiter)


def test_a_byte_order_mark_blank_lines_and_carriage_returns_are_no_data(tmp_path: Path) -> None:
    made = read(file(tmp_path, "\ufeff\r\na;b\r\n\r\n1; 2\r\n3;4\r\n"))
    assert made.header == ("a", "b")
    assert made.rows == (("1", "2"), ("3", "4"))
    assert made.lines == (4, 5)


def test_a_quoted_cell_may_hold_the_delimiter(tmp_path: Path) -> None:
    assert read(file(tmp_path, 'a,b\n"1,5",2\n')).rows == (("1,5", "2"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"t.csv is empty: it needs a line of column names"),
        ("\n\n", r"t.csv is empty"),
        ("a,b\n", r"t.csv has a header and no rows"),
        ("a,b\n1,2\n3\n", r"t.csv, line 3: 1 cell where the header has 2"),
        ("a,b\n1,2\n3,4,5\n", r"t.csv, line 3: 3 cells where the header has 2"),
        ("a,,b\n1,2,3\n", r"t.csv, line 1: column 2 has no name"),
        ("a,b,a\n1,2,3\n", r"t.csv, line 1: two columns are called 'a': rename one"),
        ("2024-01-01,5\n2024-01-02,6\n", r"t.csv, line 1 holds values, not names"),
        ('a,b\n1,2\n"3,4\n', r"t.csv, line 3: unexpected end of data: mend the line"),
        (b"a,b\n1,2\n3,\xe4\n", r"t.csv, line 3: not in UTF-8 \(.*\): save the file as UTF-8"),
    ],
)
def test_a_file_that_is_no_table_names_the_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(Unusable, match=message):
        read(file(tmp_path, content))


def test_the_line_of_a_wrong_byte_is_found_far_into_a_file(tmp_path: Path) -> None:
    content = b"a,b\n" + b"1,2\n" * 5000 + b"\xff,2\n"
    with pytest.raises(Unusable, match="line 5002: not in UTF-8"):
        read(file(tmp_path, content))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"cannot read .*none\.csv: No such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(Unusable, match="cannot read .*: Is a directory"):
        read(tmp_path)


def test_numbers_are_those_of_their_column() -> None:
    made = table("a,b", "1,-2.5", "1e3,0")
    assert made.numbers("a").tolist() == [1, 1000]
    assert made.numbers("b").tolist() == [-2.5, 0]


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("", "the cell is empty: fill the gap, or leave the column out"),
        ("n/a", "'n/a' is no number: mend it"),
        ("1,5", "'1,5' is no number"),
        ("nan", "'nan' is not finite: mend it"),
        ("-inf", "'-inf' is not finite: mend it"),
        ("-1e30", "'-1e30' is beyond 1e+15: give it in a larger unit"),
    ],
)
def test_a_cell_that_is_no_number_is_named_by_line_and_column(cell: str, fault: str) -> None:
    made = Table("t.csv", ("a", "b"), (("1", "2"), ("3", cell)), (2, 7))
    with pytest.raises(Unusable) as refused:
        made.numbers("b")
    assert str(refused.value).startswith(f"t.csv, line 7, column 'b': {fault}")


def test_an_unknown_column_names_those_that_exist() -> None:
    with pytest.raises(Unusable, match=r"^t\.csv has no column 'c', but 'a', 'b'$"):
        table("a,b", "1,2").column("c")


@pytest.mark.parametrize(
    ("cells", "numeric"),
    [("1 2 3", True), ("x 2 3", True), ("x y 3", False), ("1 x", False), ("- -", False)],
)
def test_a_column_is_numeric_if_most_of_its_cells_are(cells: str, numeric: bool) -> None:
    rows = tuple((cell.replace("-", ""),) for cell in cells.split())
    made = Table("t.csv", ("a",), rows, tuple(range(2, 2 + len(rows))))
    assert made.looks_numeric("a") is numeric


def test_a_whole_file_is_read_in_its_order(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=50)
    path = file(tmp_path, "v\n" + "".join(f"{value!r}\n" for value in values.tolist()))
    np.testing.assert_array_equal(read(path).numbers("v"), values)
