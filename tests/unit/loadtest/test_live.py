"""The line that is written over."""

from __future__ import annotations

import io
from collections.abc import Mapping

from loadtest.interval import Interval
from loadtest.live import Live, line
from tests.loads import interval, load


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def seen(errors: Mapping[str, int] | None = None) -> dict[int, Interval]:
    """Three seconds of 100 steps each, the last of which are slower."""
    made = {number: interval([0.001] * 25) for number in range(8)}
    return made | {number: interval([0.002] * 25, errors=errors) for number in range(8, 12)}


def test_it_tells_of_the_last_second() -> None:
    told = line(load(duration=20.0), 3.01, seen())
    assert told == "0:03 of 0:20, 100/s, p50 2.00 ms, p99 2.00 ms, no errors"


def test_it_tells_of_all_errors() -> None:
    assert line(load(), 9.0, seen({"RunFailed": 1})).endswith("4 errors")


def test_the_ramp_counts_down() -> None:
    assert line(load(), -2.5, {}) == "ramp 0:02 left, no errors"


def test_on_a_terminal_it_writes_over_itself() -> None:
    terminal = Terminal()
    live = Live(terminal)
    live.says("bisect: ")
    live.watch(load(), 0.5, {})
    live.clear()
    assert terminal.getvalue().startswith("\r\x1b[2Kbisect: 0:00 of 0:02")
    assert terminal.getvalue().endswith("\r\x1b[2K")
    assert "\n" not in terminal.getvalue()


def test_where_nobody_watches_it_is_quiet() -> None:
    pipe = io.StringIO()
    live = Live(pipe)
    live.watch(load(), 0.5, seen())
    live.clear()
    assert pipe.getvalue() == ""
