"""The line of a word."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from demo.sentiment.reading import Moment
from demo.sentiment.view import BAR, bar, show


@pytest.mark.parametrize(
    ("score", "left", "right"), [(0.5, 0, 0), (1.0, 0, BAR), (0.0, BAR, 0), (0.75, 0, BAR // 2)]
)
def test_the_bar_leaves_the_middle_for_the_likelier_side(
    score: float, left: int, right: int
) -> None:
    drawn = bar(score)
    assert [part.count("█") for part in drawn.split("|")] == [left, right]
    assert len(drawn) == 2 * BAR + 1 and drawn.index("|") == BAR


def shown(moment: Moment, stream: io.StringIO) -> str:
    show(Console(file=stream, width=20), moment)
    return stream.getvalue()


class Ascii(io.StringIO):
    encoding = "ascii"


class Utf8(io.StringIO):
    encoding = "utf-8"


def test_a_word_is_one_line_however_narrow_the_terminal() -> None:
    line = shown(Moment("dull", True, 0.07), Utf8())
    assert line.count("\n") == 1
    assert line.split()[0] == "dull" and line.endswith("   7 %\n")
    assert "█|" in line


def test_an_unknown_word_is_in_parentheses() -> None:
    assert shown(Moment("lush", False, 0.5), Utf8()).split()[0] == "(lush)"


def test_where_blocks_cannot_be_shown_there_are_signs() -> None:
    assert shown(Moment("dull", True, 0.0), Ascii()).isascii()
