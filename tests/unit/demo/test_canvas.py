"""Dots in braille."""

from __future__ import annotations

from demo.canvas import Canvas


def test_each_dot_has_its_place_in_its_character() -> None:
    for place, expected in {(0, 0): "⠁", (1, 0): "⠈", (0, 3): "⡀", (1, 3): "⢀"}.items():
        canvas = Canvas(1, 1)
        canvas.dot(*place)
        assert str(canvas) == expected


def test_lines_and_discs_fill_the_dots_they_cover() -> None:
    line = Canvas(2, 1)
    line.line(0, 0, 3, 3)
    assert str(line) == "⠑⢄"
    disc = Canvas(2, 1)
    disc.disc(1.5, 1.5, 1)
    assert str(disc) == "⠰⠆"


def test_what_falls_outside_is_left_out() -> None:
    canvas = Canvas(2, 2)
    canvas.line(-9, -1, 9, -1)
    canvas.dot(4, 0)
    canvas.dot(0, 8)
    assert str(canvas) == "⠀⠀\n⠀⠀"
