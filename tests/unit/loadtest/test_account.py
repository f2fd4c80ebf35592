"""What a process notes."""

from __future__ import annotations

import math

import pytest

from loadtest.account import Account, merge
from loadtest.interval import Interval
from loadtest.schedule import Arrival


def answered(account: Account, at: float, now: float, following: float = math.inf) -> None:
    account.answered(Arrival(at, 0, following), now, 3, 0.25, 0.5)


def test_a_latency_counts_where_the_step_was_due_and_its_batch_where_the_answer_came() -> None:
    account = Account(1.0)
    answered(account, at=0.5, now=2.5)
    taken = account.take()
    assert set(taken) == {0, 2}
    assert (taken[0].answered, taken[0].came, taken[0].latency.maximum) == (1, 0, 2.0)
    assert (taken[2].answered, taken[2].came, taken[2].batches) == (0, 1, {3: 1})
    assert (taken[2].queued, taken[2].computed) == (0.25, 0.5)


def test_the_ramp_has_intervals_below_0() -> None:
    account = Account(0.25)
    account.due(Arrival(-0.3, 0, 0.0), now=-0.2)
    taken = account.take()
    assert list(taken) == [-2]
    assert taken[-2].due == 1 and taken[-2].lateness.maximum == pytest.approx(0.1)


def test_an_answer_after_the_next_step_was_due_is_a_miss() -> None:
    account = Account(1.0)
    answered(account, at=0.0, now=0.11, following=0.1)
    answered(account, at=0.1, now=0.15, following=0.2)
    assert account.take()[0].misses == 1


def test_an_error_is_a_miss_without_a_latency() -> None:
    account = Account(1.0)
    account.failed(Arrival(0.0, 0, 0.1), "RunFailed")
    taken = account.take()[0]
    assert (taken.errors, taken.misses, taken.latency.count) == ({"RunFailed": 1}, 1, 0)


def test_a_step_that_is_lost_has_waited_at_least_so_long() -> None:
    account = Account(1.0)
    account.lost(Arrival(0.5, 0, 0.6), 3.0, "Unavailable")
    taken = account.take()[0]
    assert taken.latency.maximum == 2.5
    assert (taken.errors, taken.misses) == ({"Unavailable": 1}, 1)


def test_answers_are_in_time_until_the_run_is_over() -> None:
    """An interval may be longer than what is left of the run."""
    account = Account(0.25, end=0.3)
    for now in (-0.1, 0.1, 0.29, 0.3, 0.4):
        answered(account, at=0.0, now=now)
    taken = account.take()
    assert {number: each.came for number, each in taken.items()} == {-1: 1, 0: 1, 1: 3}
    assert {number: each.in_time for number, each in taken.items()} == {-1: 1, 0: 1, 1: 1}


def test_a_run_that_is_stopped_is_over_when_it_was_first() -> None:
    account = Account(1.0, end=10.0)
    account.ends(0.5)
    account.ends(0.8)
    answered(account, at=0.0, now=0.6)
    assert account.take()[0].in_time == 0


def test_a_closed_loop_misses_nothing() -> None:
    account = Account(1.0)
    answered(account, at=0.0, now=0.9)
    account.failed(Arrival(0.0, 0, math.inf), "RunFailed")
    assert account.take()[0].misses == 0


def test_what_is_taken_is_told_once() -> None:
    account = Account(1.0)
    answered(account, at=0.0, now=0.1)
    assert account.take()[0].answered == 1
    assert account.take() == {}


def test_kinds_of_errors_without_end_are_the_same_kind() -> None:
    account = Account(1.0)
    for number in range(30):
        account.failed(Arrival(0.0, 0, math.inf), f"kind {number}")
    errors = account.take()[0].errors
    assert len(errors) == 21 and errors["others"] == 10


def test_the_notes_of_two_processes_become_one() -> None:
    total: dict[int, Interval] = {}
    for _ in range(2):
        account = Account(1.0)
        answered(account, at=0.0, now=0.1)
        merge(total, account.take())
    assert (total[0].answered, total[0].latency.count, total[0].batches) == (2, 2, {3: 2})
