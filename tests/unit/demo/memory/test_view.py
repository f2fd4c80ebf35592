"""What an episode shows while it goes on."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from demo.memory.episode import Moment, Timestep
from demo.memory.view import watching

TOLD, DUE = 3, 100


class Utf8(io.StringIO):
    """A terminal's stream that says how it encodes."""

    encoding = "utf-8"


def moment(number: int) -> Moment:
    asked = Timestep([0.0], "x" if number == TOLD else "·", "", "")
    if number == TOLD:
        asked = asked._replace(told="0.250")
    if number == DUE:
        asked = asked._replace(due="1.200")
    return Moment(number, asked, f"{number / 100:.3f}")


def shown(console: Console, moments: int = DUE) -> str:
    with watching(console, "gru, episode 1") as show:
        for number in range(1, moments + 1):
            show(moment(number))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def terminal() -> Console:
    return Console(file=Utf8(), force_terminal=True, width=100, _environ={"TERM": "xterm"})


def test_a_log_gets_a_line() -> None:
    assert shown(Console(file=Utf8(), force_terminal=False)) == (
        "gru, episode 1  to remember: 0.250 at 3; answered by 100: 1.000; true: 1.200\n"
    )


def test_a_log_gets_nothing_of_an_episode_that_fails() -> None:
    file = Utf8()
    with (
        pytest.raises(RuntimeError),
        watching(Console(file=file, force_terminal=False), "gru") as show,
    ):
        show(moment(1))
        raise RuntimeError
    assert file.getvalue() == ""


def test_a_terminal_gets_the_strip_and_the_answer_of_the_moment() -> None:
    early, late = shown(terminal(), moments=50), shown(terminal())
    assert "timestep   50  answer 0.500" in early
    assert "answered" not in early
    last = late[late.rindex("gru, episode 1") :]
    assert last.count("·") + last.count("x") == DUE
    assert "answered by 100: 1.000; true: 1.200" in last
    assert late.rindex("\x1b[?25h") > late.rindex("\x1b[?25l")
