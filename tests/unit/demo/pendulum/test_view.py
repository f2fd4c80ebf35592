"""What an episode shows while it goes on."""

from __future__ import annotations

import io
import math

from rich.console import Console

from demo.pendulum.loop import Moment
from demo.pendulum.view import COLUMNS, ROWS, bar, rod, watching

TIMESTEPS = 45


def shown(console: Console) -> str:
    with watching(console, "gru", TIMESTEPS) as show:
        for timestep in range(TIMESTEPS):
            show(Moment(timestep, angle=-1.5, torque=1.0, round_trip=0.00125, late=timestep == 3))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


class Utf8(io.StringIO):
    """A terminal's stream that says how it encodes."""

    encoding = "utf-8"


def test_a_log_gets_a_line_a_second_and_the_last() -> None:
    lines = shown(Console(file=Utf8(), force_terminal=False)).splitlines()
    assert [line.split()[1] for line in lines] == ["0.00", "1.00", "2.00", "2.20"]
    assert lines[0] == ("gru   0.00 s  angle -1.50 rad  torque +1.00 N m  round trip 1.25 ms")


def test_a_terminal_gets_a_drawing_and_its_cursor_back() -> None:
    text = shown(Console(file=Utf8(), force_terminal=True, width=100, _environ={"TERM": "xterm"}))
    assert "gru" in text and "│█████ " in text
    last = text[text.rindex("elapsed") :]
    assert "2.20 s of 2.25 s" in last
    assert "late steps" in last and "    1" in last
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_a_terminal_without_cursor_movement_gets_lines() -> None:
    text = shown(Console(file=Utf8(), force_terminal=True, _environ={"TERM": "dumb"}))
    assert len(text.splitlines()) == 4


def test_a_terminal_that_cannot_show_braille_gets_lines() -> None:
    class Ascii(io.StringIO):
        encoding = "ascii"

    console = Console(file=Ascii(), force_terminal=True, _environ={"TERM": "xterm"})
    assert len(shown(console).splitlines()) == 4


def test_the_rod_points_where_the_pendulum_does() -> None:
    def halves(angle: float) -> tuple[int, int, int, int]:
        """Filled characters at the top, bottom, left, right."""
        filled = [
            (row, column)
            for row, line in enumerate(rod(angle).splitlines())
            for column, character in enumerate(line)
            if character != "\u2800"
        ]
        top = sum(row < ROWS // 2 for row, _ in filled)
        bottom = sum(row > ROWS // 2 for row, _ in filled)
        left = sum(column < COLUMNS // 2 - 2 for _, column in filled)
        right = sum(column > COLUMNS // 2 + 1 for _, column in filled)
        return top, bottom, left, right

    up, down = halves(0.0), halves(math.pi)
    assert up[0] > 5 > up[1]
    assert down[1] > 5 > down[0]
    counter_clockwise, clockwise = halves(math.pi / 2), halves(-math.pi / 2)
    assert counter_clockwise[2] > 5 > counter_clockwise[3]
    assert clockwise[3] > 5 > clockwise[2]


def test_the_bar_starts_in_the_middle() -> None:
    assert bar(0) == "          │          "
    assert bar(-0.5) == "     █████│          "
    assert bar(1) == "          │██████████"
