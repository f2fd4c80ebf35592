"""The steps of one stream."""

from __future__ import annotations

from loadtest.schedule import Arrival
from loadtest.talkers.backlog import Backlog

A, B, C, D = (Arrival(float(place), 0, place + 1.0) for place in range(4))


def begun(*arrivals: Arrival, window: int = 2) -> Backlog:
    backlog = Backlog()
    backlog.begin(window)
    for arrival in arrivals:
        backlog.add(arrival)
    return backlog


def sent(backlog: Backlog) -> list[int]:
    numbers = []
    while backlog.ready:
        numbers.append(backlog.send())
    return numbers


def test_no_more_are_sent_than_the_window_holds() -> None:
    backlog = begun(A, B, C)
    assert sent(backlog) == [0, 1]
    assert backlog.answered() == A
    assert sent(backlog) == [2]


def test_behind_an_error_the_stream_goes_on_where_the_server_stands() -> None:
    backlog = begun(A, B, C, D)
    assert sent(backlog) == [0, 1]
    assert backlog.refused(next_step=0) == A
    assert sent(backlog) == []
    assert backlog.refused(next_step=0) == B
    assert sent(backlog) == [0, 1]


def test_a_broken_conversation_loses_what_was_sent_and_keeps_what_waits() -> None:
    backlog = begun(A, B, C)
    sent(backlog)
    assert backlog.lost() == [A, B]
    backlog.begin(window=4)
    assert sent(backlog) == [0]
    assert backlog.answered() == C


def test_all_that_is_unanswered_is_abandoned() -> None:
    backlog = begun(A, B, C)
    sent(backlog)
    assert backlog.abandoned() == [A, B, C]
    assert backlog.abandoned() == []


def test_nothing_is_sent_before_the_conversation_begins() -> None:
    backlog = Backlog()
    backlog.add(A)
    assert not backlog.ready
