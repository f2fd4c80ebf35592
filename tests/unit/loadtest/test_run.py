"""A process' share of a run, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from loadtest.account import Account
from loadtest.interval import Interval, together
from loadtest.load import Load
from loadtest.run import Run
from loadtest.schedule import Arrival
from loadtest.talkers.talker import Answer, Served
from tests.loads import SERVED, load
from tests.virtual_time import VirtualLoop

STEP = 0.001
"""Seconds that the server takes."""


class Server:
    """A talker that answers each step after a millisecond, and stalls for a while."""

    def __init__(self, run: Run, stall: tuple[float, float] = (0.0, 0.0)) -> None:
        """`stall`: from when until when nothing is answered."""
        self._run = run
        self._stall = stall
        self.answer = Answer(batch_size=1)
        self.unanswered: list[Arrival] = []

    async def open(self) -> Served:
        return SERVED

    def due(self, arrival: Arrival) -> None:
        self.unanswered.append(arrival)
        begin, end = self._stall
        now = self._run.now()
        wait = end - now if begin <= now < end else STEP
        asyncio.get_running_loop().call_later(wait, self._answer, arrival)

    def _answer(self, arrival: Arrival) -> None:
        if arrival in self.unanswered:
            self.unanswered.remove(arrival)
            self._run.heard(arrival, self.answer)

    async def close(self) -> list[Arrival]:
        left, self.unanswered = self.unanswered, []
        return left


def ran(asked: Load, serve: Callable[[Run], Server] = Server) -> dict[int, Interval]:
    """The intervals of a run in virtual time."""

    async def play() -> dict[int, Interval]:
        account = Account(asked.interval, asked.duration)
        loop = asyncio.get_running_loop()
        run = Run(asked, range(asked.streams), account, loop.time)
        await run.pace(serve(run), loop.time() + asked.ramp)
        return account.take()

    return virtually(play())


def stopped(asked: Load, at: float, stall: tuple[float, float]) -> Interval:
    """A run that is told to stop while the server stalls, and ends when that does."""

    async def play() -> dict[int, Interval]:
        account = Account(asked.interval, asked.duration)
        loop = asyncio.get_running_loop()
        run = Run(asked, range(asked.streams), account, loop.time)
        loop.call_later(at, run.stop)
        await run.pace(Server(run, stall), loop.time())
        assert loop.time() == pytest.approx(stall[1], abs=0.01)
        return account.take()

    return total(virtually(play()))


def virtually(work: Coroutine[Any, Any, dict[int, Interval]]) -> dict[int, Interval]:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def total(intervals: dict[int, Interval]) -> Interval:
    return together([each for number, each in intervals.items() if number >= 0])


def test_every_step_is_sent_when_it_is_due() -> None:
    seen = total(ran(load(streams=4, rate=10.0, duration=2.0)))
    assert (seen.due, seen.answered, seen.misses, seen.errors.total()) == (80, 80, 0, 0)
    assert seen.lateness.maximum < 1e-6
    assert seen.latency.percentile(100) == pytest.approx(STEP, abs=2e-6)


def test_a_stall_is_in_the_latency_of_every_step_that_was_due_in_it() -> None:
    """Ten steps are due while the server stalls for a second. Whoever waits for the answer
    before sending again would have seen one slow step; here the median of them is half a stall.
    """
    asked = load(streams=1, rate=10.0, duration=3.0, ramp=0.0)
    seen = ran(asked, lambda run: Server(run, stall=(0.95, 1.95)))
    stalled = together([each for number, each in seen.items() if 4 <= number < 8])
    assert stalled.latency.count == 10
    assert stalled.latency.percentile(50) == pytest.approx(0.45, abs=0.01)
    assert stalled.latency.maximum == pytest.approx(0.95, abs=0.01)
    assert total(seen).misses == 9
    assert total(seen).lateness.maximum < 1e-6


def test_a_loader_that_is_held_up_counts_from_when_steps_were_due_and_says_so() -> None:
    asked = load(streams=1, rate=10.0, duration=2.0, ramp=0.0)

    def serve(run: Run) -> Server:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.call_later(0.95, loop.leap, 0.5)
        return Server(run)

    seen = total(ran(asked, serve))
    assert seen.due == seen.answered == 20
    assert seen.lateness.maximum == pytest.approx(0.45, abs=0.01)
    assert seen.latency.maximum == pytest.approx(0.45 + STEP, abs=0.01)
    assert seen.misses == 4


def test_the_ramp_is_noted_apart() -> None:
    seen = ran(load(streams=4, rate=10.0, ramp=1.0))
    ramp = together([each for number, each in seen.items() if number < 0])
    assert 20 <= ramp.due <= 30
    assert total(seen).due == 80


def test_what_is_not_answered_by_the_end_of_the_drain_is_given_up() -> None:
    asked = load(streams=1, rate=10.0, duration=1.0, ramp=0.0, drain=0.5)
    seen = total(ran(asked, lambda run: Server(run, stall=(0.45, 99.0))))
    assert (seen.due, seen.answered) == (10, 5)
    assert seen.errors == {"no answer": 5}
    assert seen.latency.maximum == pytest.approx(1.0, abs=0.01)


def test_answers_within_the_drain_count() -> None:
    asked = load(streams=1, rate=10.0, duration=1.0, ramp=0.0, drain=0.5)
    seen = total(ran(asked, lambda run: Server(run, stall=(0.45, 1.4))))
    assert (seen.answered, seen.errors.total()) == (10, 0)


def test_the_rate_is_what_came_within_the_duration_and_was_due_in_it() -> None:
    """The interval is longer than the run, and the ramp left a backlog."""
    asked = load(streams=1, rate=40.0, duration=0.3, ramp=1.0, drain=0.5)
    slow = total(ran(asked, lambda run: Server(run, stall=(0.19, 0.4))))
    assert (slow.due, slow.answered, slow.in_time) == (12, 12, 8)
    behind = total(ran(asked, lambda run: Server(run, stall=(-1.0, 0.1))))
    assert (behind.due, behind.in_time) == (12, 12 + 40)


def test_what_comes_after_a_stop_is_not_in_time() -> None:
    asked = load(streams=1, rate=10.0, duration=60.0, ramp=0.0)
    seen = stopped(asked, at=0.45, stall=(0.25, 0.6))
    assert (seen.due, seen.answered, seen.in_time) == (5, 5, 3)


def test_a_closed_loop_sends_when_it_is_answered() -> None:
    seen = total(ran(load(streams=2, rate=None, duration=0.1, ramp=0.0)))
    assert seen.due == seen.answered == pytest.approx(2 * 0.1 / STEP, abs=4)


def test_errors_are_noted_and_the_load_goes_on() -> None:
    def serve(run: Run) -> Server:
        server = Server(run)
        server.answer = Answer(error="RunFailed")
        return server

    seen = total(ran(load(), serve))
    assert (seen.due, seen.answered, seen.errors) == (80, 0, {"RunFailed": 80})


def test_a_step_that_is_lost_with_its_call_counts_with_the_time_that_it_was_waited_for() -> None:
    def serve(run: Run) -> Server:
        server = Server(run, stall=(0.45, 1.45))
        server.answer = Answer(error="Unavailable", lost=True)
        return server

    seen = total(ran(load(streams=1, duration=1.0, ramp=0.0), serve))
    assert (seen.due, seen.errors) == (10, {"Unavailable": 10})
    assert seen.latency.count == 10
    assert seen.latency.maximum == pytest.approx(0.95, abs=0.01)


def test_stopped_it_sends_no_more_and_waits_for_answers() -> None:
    asked = load(streams=1, rate=10.0, duration=60.0, ramp=0.0)
    seen = stopped(asked, at=1.05, stall=(0.0, 1.2))
    assert seen.answered == seen.due == 11
