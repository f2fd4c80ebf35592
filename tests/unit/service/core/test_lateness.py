from __future__ import annotations

from service.core.lateness import is_late


def test_without_a_budget_nothing_is_late() -> None:
    assert not is_late(received=0.0, budget=None, age=100.0, now=100.0)


def test_time_since_reading_and_time_at_the_client_spend_the_budget() -> None:
    assert not is_late(received=10.0, budget=0.5, age=0.2, now=10.25)
    assert is_late(received=10.0, budget=0.5, age=0.3, now=10.25)
    assert is_late(received=10.0, budget=0.5, age=0.0, now=10.75)


def test_a_budget_spent_to_the_end_is_not_late() -> None:
    assert not is_late(received=0.0, budget=0.5, age=0.25, now=0.25)
