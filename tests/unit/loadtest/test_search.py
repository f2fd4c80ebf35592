"""Which load is tried next."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.search import PRECISION, Trial, search

Server = Callable[[Trial], bool]


def carried_out(
    server: Server, first: float, *, highest: float = math.inf, whole: bool = False
) -> tuple[float | None, list[Trial]]:
    trials: list[Trial] = []
    going = search(first, highest=highest, whole=whole)
    trial = next(going)
    while True:
        trials.append(trial)
        try:
            trial = going.send(server(trial))
        except StopIteration as ended:
            return ended.value, trials


def up_to(capacity: float) -> Server:
    return lambda trial: trial.level <= capacity


def test_it_doubles_then_bisects_then_confirms() -> None:
    found, trials = carried_out(up_to(330), 100)
    assert [(trial.purpose, round(trial.level)) for trial in trials] == [
        ("double", 100),
        ("double", 200),
        ("double", 400),
        ("again", 400),
        ("bisect", 283),
        ("bisect", 336),
        ("again", 336),
        ("bisect", 308),
        ("bisect", 322),
        ("confirm", 322),
    ]
    assert found == trials[-1].level


def test_it_halves_where_the_first_is_too_much() -> None:
    found, trials = carried_out(up_to(30), 100)
    assert [trial.level for trial in trials[:6]] == [
        100,
        100,
        50,
        50,
        25,
        pytest.approx(35.36, abs=0.01),
    ]
    assert found == pytest.approx(30, rel=PRECISION)


def test_what_holds_nothing_is_told_after_a_few() -> None:
    found, trials = carried_out(up_to(0), 64)
    assert found is None
    assert min(trial.level for trial in trials) == 1.0


def test_a_bad_moment_does_not_mislead_it() -> None:
    """The first try of every level fails, as on a machine that is busy now and then."""
    tried: set[float] = set()

    def unlucky(trial: Trial) -> bool:
        lucky = trial.level in tried
        tried.add(trial.level)
        return lucky and trial.level <= 330

    found, _ = carried_out(unlucky, 100)
    assert found == pytest.approx(330, rel=PRECISION)


def test_what_is_not_confirmed_is_stepped_back_from() -> None:
    def tiring(trial: Trial) -> bool:
        return trial.level <= (290 if trial.purpose == "confirm" else 330)

    found, trials = carried_out(tiring, 100)
    confirmations = [trial.level for trial in trials if trial.purpose == "confirm"]
    assert found == confirmations[-1] <= 290 < confirmations[-2]
    assert confirmations[1] == pytest.approx(0.95 * confirmations[0])


def test_what_is_never_confirmed_is_not_found() -> None:
    found, trials = carried_out(lambda trial: trial.purpose != "confirm" and trial.level < 330, 100)
    assert found is None
    assert sum(trial.purpose == "confirm" for trial in trials) == 6


def test_the_highest_is_not_exceeded() -> None:
    found, trials = carried_out(up_to(math.inf), 100, highest=350)
    assert found == 350
    assert [trial.level for trial in trials] == [100, 200, 350, 350]


@given(capacity=st.floats(1.0, 1e6), first=st.floats(1.0, 1e4))
def test_what_is_found_holds_and_is_near_the_capacity(capacity: float, first: float) -> None:
    found, trials = carried_out(up_to(capacity), first)
    if found is None:
        assert capacity < first / 32
    else:
        assert capacity / (1 + PRECISION) <= found <= capacity
    assert len(trials) < 60


@given(capacity=st.integers(1, 10**6), first=st.integers(1, 10**4))
def test_whole_levels_are_whole_and_as_near_as_they_can_be(capacity: int, first: int) -> None:
    found, trials = carried_out(up_to(capacity), first, whole=True)
    assert all(trial.level == int(trial.level) >= 1 for trial in trials)
    if found is None:
        assert capacity < max(1, first / 32)
    else:
        assert found <= capacity <= max(found, found * (1 + PRECISION))


@given(st.lists(st.booleans(), max_size=200), st.booleans())
def test_it_ends_whatever_the_server_does(held: list[bool], whole: bool) -> None:
    """And what it finds, held when it was confirmed."""
    answers: list[bool] = []

    def erratic(trial: Trial) -> bool:
        answers.append(held.pop() if held else False)
        return answers[-1]

    found, trials = carried_out(erratic, 16, highest=10**5, whole=whole)
    assert len(trials) < 100
    if found is not None:
        assert trials[-1] == Trial(found, "confirm") and answers[-1]
