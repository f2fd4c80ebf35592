from __future__ import annotations

import numpy as np
import pytest

from service.core.arrivals import Arrivals
from service.core.batch import Batch, BatchResult, Fault
from service.core.committer import Committer
from service.core.counts import StepCounts
from service.core.errors import StepFault
from service.core.lateness import LatePolicy, Verdict
from service.core.scheduler import Scheduler
from service.core.session import Sessions
from service.core.settler import Settler
from service.core.slots import Slots
from service.core.steps import Output, Step, StepError
from service.core.streams import Stream, StreamKey
from service.runtime.accumulator import accumulator_signature
from tests.fakes import MODEL, TOKEN, Connection, number, value

WINDOW = 3


class Bench:
    """A scheduler with streams; a run answers each row with twice its input."""

    def __init__(self, max_batch: int = 8) -> None:
        signature = accumulator_signature()
        self.slots = Slots()
        self.sessions = Sessions(signature.outputs, WINDOW)
        self.counts = StepCounts()
        settler = Settler(signature, self.sessions, self.counts)
        self.scheduler = Scheduler(self.sessions, settler, max_batch)
        self.arrivals = Arrivals(self.counts.jitter)
        self.committer = Committer(signature, self.sessions, settler, self.arrivals, self.counts)

    def stream(self, policy: LatePolicy = LatePolicy.FLAG) -> tuple[Stream, Connection]:
        owner = Connection()
        stream = Stream(
            StreamKey("", "robot"), TOKEN, MODEL, policy, owner, slot=self.slots.acquire()
        )
        for arrays in (self.sessions, self.arrivals):
            arrays.reserve(self.slots.capacity)
        return stream, owner

    def run(self, batch: Batch, now: float, faults: dict[int, Fault] | None = None) -> None:
        inputs = [value(entry.step.inputs[0]) for entry in batch.entries]
        outputs = 2 * np.array(inputs, np.float32).reshape(-1, 1)
        result = BatchResult([outputs], faults=faults or {})
        batch.form()
        ran = self.committer.commit(batch, result, batch.absent(), now) if batch else []
        for owner, answer in batch.settled + ran:
            owner.answer(answer)

    def turn(self, now: float = 0.0) -> Batch:
        batch = self.scheduler.next_batch(now)
        self.run(batch, now)
        return batch


def step(
    count: int,
    x: float = 1.0,
    *,
    received: float = 0.0,
    budget: float | None = None,
    age: float = 0.0,
    verdict: Verdict | None = None,
) -> Step:
    return Step(count, (number(x),), received, budget, age, verdict)


def test_steps_that_wait_together_run_together() -> None:
    bench = Bench()
    pairs = [bench.stream() for _ in range(3)]
    for position, (stream, _) in enumerate(pairs):
        bench.scheduler.submit(stream, step(0, float(position), received=9.0))
    batch = bench.scheduler.next_batch(now=10.0)
    assert len(batch) == 3
    assert not bench.scheduler.waiting
    bench.run(batch, now=10.5)
    for position, (_, owner) in enumerate(pairs):
        assert owner.answers == [
            Output(
                0,
                (number(2.0 * position),),
                Verdict.ON_TIME,
                3,
                queued=1.0,
                computed=0.5,
                finished=10.5,
            )
        ]


def test_a_batch_holds_one_step_of_a_stream() -> None:
    bench = Bench(max_batch=2)
    (flooded, owner), *others = (bench.stream() for _ in range(3))
    for count in range(3):
        bench.scheduler.submit(flooded, step(count, float(count)))
    for stream, _ in others:
        bench.scheduler.submit(stream, step(0))
    served = [[entry.owner for entry in bench.turn().entries] for _ in range(3)]
    first, second = (other for _, other in others)
    assert served == [[owner, first], [second, owner], [owner]]
    assert [output.number for output in owner.outputs] == [0, 1, 2]
    assert not bench.scheduler.waiting


def test_a_full_batch_leaves_the_rest_first_in_line() -> None:
    bench = Bench(max_batch=2)
    pairs = [bench.stream() for _ in range(3)]
    for stream, _ in pairs:
        bench.scheduler.submit(stream, step(0))
        bench.scheduler.submit(stream, step(1))
    served = [[entry.owner for entry in bench.turn().entries] for _ in range(3)]
    owners = [owner for _, owner in pairs]
    assert served == [owners[:2], [owners[2], owners[0]], owners[1:]]


def test_a_stream_that_lost_its_pending_steps_is_passed_over() -> None:
    bench = Bench()
    stream, former = bench.stream()
    present = Connection()
    bench.scheduler.submit(stream, step(0, 1.0))
    stream.hand_to(present)
    bench.scheduler.submit(stream, step(0, 1.0))
    assert len(bench.turn()) == 1
    assert former.answers == []
    assert [answer.number for answer in present.answers] == [0]


def test_replays_gaps_and_conflicts_are_answered_in_order_without_a_run() -> None:
    bench = Bench()
    stream, owner = bench.stream()
    bench.scheduler.submit(stream, step(0, 1.0))
    bench.turn()
    owner.answers.clear()
    for sent in (step(0, 1.0), step(0, 5.0), step(7), step(1, 3.0)):
        bench.scheduler.submit(stream, sent)
    bench.turn()
    replayed, conflict, gap, ran = owner.answers
    assert replayed == Output(0, (number(2.0),), Verdict.ON_TIME)
    assert conflict == StepError(
        0,
        StepFault.STEP_CONFLICT,
        "step 0 has already run, with other inputs: send step 1",
        next_step=1,
    )
    assert gap == StepError(
        7, StepFault.STEP_GAP, "step 7 is ahead of the stream: send step 1", next_step=1
    )
    assert isinstance(ran, Output)
    assert (ran.number, value(ran.outputs[0]), ran.batch_size) == (1, 6.0, 1)


def test_a_step_older_than_the_window_is_refused() -> None:
    bench = Bench()
    stream, owner = bench.stream()
    for count in range(WINDOW + 1):
        bench.scheduler.submit(stream, step(count))
        bench.turn()
    bench.scheduler.submit(stream, step(0))
    bench.turn()
    assert owner.answers[-1] == StepError(
        0,
        StepFault.STEP_TOO_OLD,
        "step 0 has already run, and only the last 3 outputs are kept: send step 4",
        next_step=4,
    )


@pytest.mark.parametrize("inputs", [(), (b"",), (b"abc",), (number(1), number(2)), (b"x" * 8,)])
def test_inputs_of_the_wrong_size_are_refused_and_consume_nothing(
    inputs: tuple[bytes, ...],
) -> None:
    bench = Bench()
    stream, owner = bench.stream()
    bench.scheduler.submit(stream, Step(0, inputs, 0.0))
    bench.scheduler.submit(stream, step(0))
    bench.turn()
    refused, ran = owner.answers
    assert isinstance(refused, StepError)
    assert refused.fault is StepFault.INVALID_INPUT
    assert "expects x: float32[1] (4 bytes); got" in refused.message
    assert refused.next_step == 0
    assert isinstance(ran, Output)


def test_a_step_sent_again_with_zeros_missing_is_another_step() -> None:
    bench = Bench()
    stream, owner = bench.stream()
    bench.scheduler.submit(stream, step(0, 0.0))
    bench.turn()
    for inputs in ((), (b"",), (number(0.0), b"")):
        bench.scheduler.submit(stream, Step(0, inputs, received=0.0))
        bench.turn()
    assert [error.fault for error in owner.errors] == 3 * [StepFault.STEP_CONFLICT]


def test_a_fault_consumes_no_number_and_leaves_the_other_rows() -> None:
    bench = Bench()
    (first, one), (second, two) = bench.stream(), bench.stream()
    bench.scheduler.submit(first, step(0))
    bench.scheduler.submit(second, step(0))
    batch = bench.scheduler.next_batch(0.0)
    bench.run(batch, 0.0, {0: Fault(StepFault.RESULT_NOT_FINITE, "too much")})
    assert one.answers == [
        StepError(0, StepFault.RESULT_NOT_FINITE, "step 0: too much", next_step=0)
    ]
    assert len(two.outputs) == 1
    bench.scheduler.submit(first, step(1))
    bench.turn()
    assert one.errors[-1].fault is StepFault.STEP_GAP


@pytest.mark.parametrize("faults", [{}, {0: Fault(StepFault.RESULT_NOT_FINITE, "too much")}])
def test_of_a_stream_that_ended_during_the_run_nothing_is_kept(faults: dict[int, Fault]) -> None:
    bench = Bench()
    (stream, owner), (neighbour, other) = bench.stream(), bench.stream()
    bench.scheduler.submit(stream, step(0))
    bench.scheduler.submit(neighbour, step(0))
    batch = bench.scheduler.next_batch(0.0)
    assert stream.slot
    bench.slots.release(stream.slot)
    stream.slot = None
    tenant = bench.slots.acquire()
    bench.run(batch, 0.0, faults)
    assert bench.sessions.next_step(tenant.row) == 0
    assert owner.answers == []
    assert len(other.outputs) == 1


def test_a_step_that_ran_while_its_stream_changed_hands_was_not_run() -> None:
    bench = Bench()
    stream, former = bench.stream()
    bench.scheduler.submit(stream, step(0, 1.0))
    batch = bench.scheduler.next_batch(0.0)
    present = Connection()
    stream.hand_to(present)
    bench.run(batch, 0.0)
    assert former.answers == []
    bench.scheduler.submit(stream, step(0, 2.0))
    bench.turn()
    assert [value(output.outputs[0]) for output in present.outputs] == [4.0]


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


@pytest.mark.parametrize("streams", [1, 3, 20])
def test_what_steps_wait_and_how_evenly_they_come_is_counted(streams: int) -> None:
    bench = Bench(max_batch=32)
    pairs = [bench.stream() for _ in range(streams)]
    for count, received in enumerate((1.0, 2.0, 3.5)):
        for stream, _ in pairs:
            bench.scheduler.submit(stream, step(count, received=received))
        bench.run(bench.scheduler.next_batch(now=received + 0.25), now=received + 0.75)
    counts = bench.counts
    assert counts.sizes == {streams: 3}
    assert (sum(counts.compute.counts), counts.compute.total) == (3, 1.5)
    assert (sum(counts.queue.counts), counts.queue.total) == (3 * streams, 0.75 * streams)
    assert (sum(counts.jitter.counts), counts.jitter.total) == (streams, 0.5 * streams)


def test_a_step_that_fails_is_not_counted_as_one_that_ran() -> None:
    bench = Bench()
    stream, _ = bench.stream()
    bench.scheduler.submit(stream, step(0))
    bench.run(bench.scheduler.next_batch(0.0), 0.5, {0: Fault(StepFault.RESULT_NOT_FINITE, "")})
    assert bench.counts.batches == sum(bench.counts.compute.counts) == 1
    assert sum(bench.counts.queue.counts) == bench.counts.ran == 0
