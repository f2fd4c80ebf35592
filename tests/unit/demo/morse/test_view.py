"""The key's loudness and the text, as they are drawn."""

from __future__ import annotations

import io

from rich.console import Console

from demo.morse.listening import Moment
from demo.morse.view import WIDTH, View, level


class Utf8(io.StringIO):
    encoding = "utf-8"


class Ascii(io.StringIO):
    encoding = "ascii"


def drawn(moments: list[Moment], stream: io.StringIO) -> list[str]:
    view = View(Console(file=stream, width=40))
    for moment in moments:
        view.show(moment)
    view.end_line()
    return stream.getvalue().splitlines()


def test_a_letter_ends_its_line_with_the_text_so_far() -> None:
    moments = [Moment(0.0, ""), Moment(1.0, ""), Moment(0.5, "A"), Moment(0.0, ""), Moment(0, " ")]
    first, second = drawn(moments, Utf8())
    assert first == f"▁█▅{'':{WIDTH - 3}}  A      A"
    assert second == f"▁▁{'':{WIDTH - 2}}  ␣      A "


def test_a_long_silence_goes_on_in_the_next_line() -> None:
    lines = drawn([Moment(0.0, "")] * (WIDTH + 3), Utf8())
    assert lines == ["▁" * WIDTH, "▁" * 3]


def test_where_blocks_cannot_be_shown_there_are_signs() -> None:
    assert "".join(drawn([Moment(0.9, "A")], Ascii())).isascii()


def test_a_level_is_cut_to_what_can_be_drawn() -> None:
    assert level(-0.5) == level(0.0) == "▁"
    assert level(1.5) == level(1.0) == "█"
