from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.workers.restarts import QUICK_SECONDS, Restarts

BARELY = QUICK_SECONDS / 2


def test_a_worker_that_has_lived_is_started_again_at_once() -> None:
    assert Restarts().after(QUICK_SECONDS).delay == 0


def test_quick_deaths_are_answered_ever_later() -> None:
    restarts, delays = Restarts(), []
    for _ in range(10):
        restarts = restarts.after(BARELY)
        delays.append(restarts.delay)
    assert delays == [0, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_life_that_was_long_enough_forgives_the_quick_deaths_before_it() -> None:
    restarts = Restarts().after(BARELY).after(BARELY).after(BARELY)
    assert restarts.delay == 1
    assert restarts.after(QUICK_SECONDS) == Restarts()


@given(st.lists(st.floats(0, 2 * QUICK_SECONDS), max_size=100))
def test_no_worker_is_given_up(lives: list[float]) -> None:
    restarts = Restarts()
    for lived in lives:
        restarts = restarts.after(lived)
    assert 0 <= restarts.delay <= 30
