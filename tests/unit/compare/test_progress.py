"""How far a comparison is, and for how long it will go on."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from compare.progress import Watch, clock, seconds_left
from models.tasks.task import Headline
from models.training import Progress
from tests.unit.compare.made import ERROR, diverged, trial


def test_what_is_left_is_what_the_same_network_took_before() -> None:
    assert seconds_left(["rnn 4", "gru 4", "rnn 4"], {"rnn 4": 3.0, "gru 4": 10.0}) == 16.0


def test_a_network_that_never_ran_is_taken_for_a_typical_one() -> None:
    assert seconds_left(["gru 4", "rnn 4"], {"rnn 4": 3.0, "lstm 4": 5.0}) == 7.0


def test_before_the_first_nothing_is_known() -> None:
    assert seconds_left(["gru 4"], {}) is None


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (59.6, "1:00"), (3725.0, "62:05")])
def test_a_time_is_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def watched(*, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=terminal)
    watch = Watch(console, Headline(ERROR, "lower"), ["rnn 4", "gru 4"])
    with watch.shown():
        assert watch.ended == "0 of 2 trainings"
        watch.begins(7)
        assert watch.ended == "0 of 2 trainings"
        watch.batch(Progress(1, 2, 0.25))
        watch.batch(Progress(2, 2, 0.125))
        watch.ends(trial(7, 0.5))
        assert watch.ended == "1 of 2 trainings"
        watch.begins(7)
        watch.ends(diverged(7))
        watch.says("measuring steps")
    return out.getvalue()


def test_without_a_terminal_each_training_is_a_line() -> None:
    first, second, third = watched(terminal=False).splitlines()
    assert first == f"rnn 4, seed 7: {ERROR} 0.5; 1 of 2 trainings, 0:00 left"
    assert second.startswith("gru 4, seed 7: diverged: the loss became nan in batch 2")
    assert third == "measuring steps"


def test_on_a_terminal_there_is_a_bar_too() -> None:
    shown = watched(terminal=True)
    assert "rnn 4, seed 7: error <x> [m] 0.5" in shown
    assert "━" in shown and "measuring steps" in shown
