from __future__ import annotations

import pytest

from service.core.batch import Fault
from service.core.errors import StepFault
from service.core.lateness import Verdict
from service.core.steps import Output, Step, StepError
from tests.fakes import Connection, number, value
from tests.scheduling import WINDOW, Bench, step


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
