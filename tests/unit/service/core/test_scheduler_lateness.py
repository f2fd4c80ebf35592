"""What a stream's policy makes of steps whose budget is spent."""

from __future__ import annotations

import pytest

from service.core.errors import StepFault
from service.core.lateness import LatePolicy, Verdict
from tests.fakes import number, value
from tests.scheduling import Bench, step


def test_flag_runs_a_late_step_and_says_so() -> None:
    bench = Bench()
    stream, owner = bench.stream(LatePolicy.FLAG)
    bench.scheduler.submit(stream, step(0, budget=1.0, received=0.0))
    bench.turn(now=2.0)
    assert owner.outputs[0].verdict is Verdict.LATE


def test_a_step_that_becomes_late_while_it_runs_is_flagged() -> None:
    bench = Bench()
    stream, owner = bench.stream(LatePolicy.REJECT)
    bench.scheduler.submit(stream, step(0, budget=1.0, received=0.0))
    batch = bench.scheduler.next_batch(now=0.5)
    bench.run(batch, now=1.5)
    assert owner.outputs[0].verdict is Verdict.LATE


def test_reject_refuses_a_late_step_and_consumes_nothing() -> None:
    bench = Bench()
    stream, owner = bench.stream(LatePolicy.REJECT)
    bench.scheduler.submit(stream, step(0, budget=1.0, age=0.5, received=0.0))
    bench.turn(now=0.75)
    assert owner.errors[0].fault is StepFault.STEP_LATE
    assert owner.errors[0].message == "step 0 was late by 0.250000 s"
    bench.scheduler.submit(stream, step(0, received=1.0))
    bench.turn(now=1.0)
    assert owner.outputs[0].number == 0


def test_hold_answers_a_late_step_with_the_output_before_it() -> None:
    bench = Bench()
    stream, owner = bench.stream(LatePolicy.HOLD)
    bench.scheduler.submit(stream, step(0, 1.0))
    bench.turn()
    bench.scheduler.submit(stream, step(1, 50.0, budget=1.0, received=0.0))
    assert len(bench.turn(now=2.0)) == 0
    held = owner.outputs[1]
    assert (held.number, held.outputs, held.verdict) == (1, (number(2.0),), Verdict.HELD)
    assert held.batch_size == 0
    bench.scheduler.submit(stream, step(2, 3.0))
    bench.turn()
    assert value(owner.outputs[2].outputs[0]) == 6.0


def test_hold_runs_a_late_first_step() -> None:
    bench = Bench()
    stream, owner = bench.stream(LatePolicy.HOLD)
    bench.scheduler.submit(stream, step(0, 4.0, budget=1.0))
    bench.turn(now=2.0)
    assert (value(owner.outputs[0].outputs[0]), owner.outputs[0].verdict) == (8.0, Verdict.LATE)


def test_a_replay_keeps_its_verdict_whatever_the_clock_says() -> None:
    bench = Bench()
    stream, owner = bench.stream(LatePolicy.FLAG)
    bench.scheduler.submit(stream, step(0, budget=1.0))
    bench.turn(now=2.0)
    bench.scheduler.submit(stream, step(0, budget=1.0, received=5.0))
    bench.turn(now=5.0)
    assert [output.verdict for output in owner.outputs] == [Verdict.LATE, Verdict.LATE]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_step_sent_with_its_verdict_gets_it_again(verdict: Verdict) -> None:
    bench = Bench()
    stream, owner = bench.stream(LatePolicy.REJECT)
    bench.scheduler.submit(stream, step(0, 1.0))
    bench.turn()
    bench.scheduler.submit(stream, step(1, 7.0, budget=1.0, verdict=verdict))
    bench.turn(now=9.0)
    again = owner.outputs[1]
    assert again.verdict is verdict
    assert value(again.outputs[0]) == (2.0 if verdict is Verdict.HELD else 14.0)
