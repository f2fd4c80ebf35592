"""The processes that make the load: real ones, that play what a loader may do."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import pytest

from loadtest import helper
from loadtest.crew import Crew
from loadtest.endings import Interrupted, LoaderDied, LoadRefused
from loadtest.interrupts import Interrupts
from loadtest.interval import Interval
from loadtest.load import Target
from loadtest.orders import Begin, Done, Prepare, Ready, Refused, Stop, Tick
from stepwire.channel import Security
from tests.loads import SERVED, interval, load

Work = Callable[[Connection, Target, bool], None]
TARGET = Target(address="localhost:1", security=Security(), connections=1)


def obliging(connection: Connection, target: Target, timed: bool) -> None:
    """Answers a step, and is done when it is stopped."""
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert isinstance(connection.recv(), Prepare)
    connection.send(Ready(SERVED))
    assert isinstance(connection.recv(), Begin)
    connection.send(Tick({0: interval([0.001])}))
    assert isinstance(connection.recv(), Stop)
    connection.send(Done(busy=0.5))


def refused(connection: Connection, target: Target, timed: bool) -> None:
    order = connection.recv()
    assert isinstance(order, Prepare)
    if order.streams[0] == 0:
        connection.send(Refused("this server is full"))
    else:
        connection.send(Ready(SERVED))
        assert isinstance(connection.recv(), Stop)
        connection.send(Done())


def silent(connection: Connection, target: Target, timed: bool) -> None:
    """Opens its streams for as long as its parent lives."""
    while True:
        try:
            connection.recv()
        except EOFError:
            return


def killed(connection: Connection, target: Target, timed: bool) -> None:
    """The first is, when it has begun."""
    first = connection.recv().streams[0] == 0
    connection.send(Ready(SERVED))
    connection.recv()
    if first:
        os.kill(os.getpid(), signal.SIGKILL)
    connection.send(Tick({0: interval([0.001])}))
    assert isinstance(connection.recv(), Stop)
    connection.send(Done(busy=0.5))


def dead(connection: Connection, target: Target, timed: bool) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def crew(
    monkeypatch: pytest.MonkeyPatch, work: Work, interrupts: Interrupts, processes: int = 1
) -> Iterator[Crew]:
    monkeypatch.setattr(helper, "work", work)
    with interrupts, Crew(TARGET, processes, interrupts, timed=True) as made:
        yield made


def unwatched(now: float, seen: dict[int, Interval]) -> None:
    """Nobody looks."""


def test_an_interrupt_stops_the_run_and_keeps_what_was_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupts = Interrupts()

    def interrupting(now: float, seen: dict[int, Interval]) -> None:
        """By the keyboard, once there is something to see."""
        if seen and seen[0].answered == 2 and not interrupts.count:
            os.kill(os.getpid(), signal.SIGINT)

    with crew(monkeypatch, obliging, interrupts, processes=2) as made:
        of = made.run(load(duration=60.0), interrupting)
    assert (of.served, of.processes, of.busy) == (SERVED, 2, (0.5, 0.5))
    assert of.interrupted and of.broken is None and of.total.answered == 2


def test_a_refusal_is_told_when_the_others_have_closed_their_streams(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        crew(monkeypatch, refused, Interrupts(), processes=2) as made,
        pytest.raises(LoadRefused, match="this server is full"),
    ):
        made.run(load(), unwatched)


def test_an_interrupt_while_streams_are_opened_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupts = Interrupts()
    with crew(monkeypatch, silent, interrupts) as made:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.count == 1
        with pytest.raises(Interrupted):
            made.run(load(), unwatched)


def test_a_process_that_is_killed_leaves_the_figures_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with crew(monkeypatch, killed, Interrupts(), processes=2) as made:
        of = made.run(load(duration=60.0), unwatched)
    assert of.broken == (
        "a process of the loader was ended by signal 9: is there too little memory?"
    )
    assert of.interrupted and of.unjudged and of.total.answered == 1


def test_a_process_that_died_before_the_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with crew(monkeypatch, dead, Interrupts()) as made:
        for _ in range(2):
            with pytest.raises(LoaderDied, match="ended by signal 9"):
                made.run(load(), unwatched)
