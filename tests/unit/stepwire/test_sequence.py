from __future__ import annotations

import pytest

from stepwire import errors
from stepwire.v1 import stream_pb2 as pb
from tests.unit.stepwire.callers import (
    Caller,
    answer,
    fresh,
    opened,
    refusal,
    sent,
)


def test_timesteps_are_numbered_and_sent_in_order() -> None:
    sequence = fresh()
    for name in "abc":
        Caller(sequence, name)
    assert sent(sequence) == [(0, b"a"), (1, b"b"), (2, b"c")]
    assert sequence.next_step == 3


def test_answers_reach_their_callers() -> None:
    sequence = fresh()
    callers = [Caller(sequence), Caller(sequence)]
    sent(sequence)
    answer(sequence, 0, 1)
    assert [caller.output and caller.output.step for caller in callers] == [0, 1]


def test_a_refused_step_gives_its_number_to_the_next() -> None:
    sequence = fresh()
    first, second, third = (Caller(sequence, name) for name in "abc")
    sent(sequence)
    sequence.on_error(refusal(0, pb.StepError.CODE_INVALID_INPUT))
    assert isinstance(first.error, errors.InvalidInput)
    assert sequence.next_step == 2
    assert sent(sequence) == [(0, b"b"), (1, b"c")]
    for number in (1, 2):
        sequence.on_error(refusal(number, pb.StepError.CODE_STEP_GAP))
    assert second.error is None and third.error is None
    answer(sequence, 0, 1)
    assert second.output and second.output.step == 0
    assert third.output and third.output.step == 1


def test_a_conflict_consumes_its_number() -> None:
    sequence = fresh(server_next=3, from_step=1)
    first, second = Caller(sequence, "a"), Caller(sequence, "b")
    assert sent(sequence) == [(1, b"a"), (2, b"b")]
    sequence.on_error(refusal(1, pb.StepError.CODE_STEP_CONFLICT))
    assert isinstance(first.error, errors.StepConflict)
    answer(sequence, 2)
    assert second.output
    assert sequence.next_step == 3


def test_a_new_connection_gets_everything_unanswered() -> None:
    sequence = fresh()
    callers = [Caller(sequence, name) for name in "abc"]
    sent(sequence)
    answer(sequence, 0)
    sequence.resumed(opened(2))
    assert sent(sequence) == [(1, b"b"), (2, b"c")]
    answer(sequence, 1)
    assert callers[1].output


def test_without_a_durable_store_a_server_that_is_behind_has_lost_the_state() -> None:
    sequence = fresh()
    Caller(sequence)
    sent(sequence)
    answer(sequence, 0)
    with pytest.raises(errors.StateLost, match="at step 0 and the inputs before step 1"):
        sequence.resumed(opened(0))


def test_a_server_that_is_ahead_was_advanced_by_another() -> None:
    sequence = fresh()
    Caller(sequence)
    with pytest.raises(errors.StepConflict, match="advanced the stream to step 2"):
        sequence.resumed(opened(2))


def test_a_resumed_stream_may_begin_at_an_older_step() -> None:
    assert fresh(server_next=5).next_step == 5
    assert fresh(server_next=5, from_step=3).next_step == 3
    with pytest.raises(errors.StateLost, match="at step 5 and the inputs before step 6"):
        fresh(server_next=5, from_step=6)


def test_the_end_of_the_stream_fails_what_is_unanswered() -> None:
    sequence = fresh()
    callers = [Caller(sequence), Caller(sequence)]
    sent(sequence)
    sequence.fail(errors.StreamTakenOver("gone"))
    assert all(isinstance(caller.error, errors.StreamTakenOver) for caller in callers)


def test_a_budget_travels_with_the_time_already_spent() -> None:
    sequence = fresh()
    with_budget = Caller(sequence, budget=0.5).timestep.message(now=10.25).step
    assert (with_budget.budget_us, with_budget.age_us) == (500_000, 250_000)
    without = Caller(sequence).timestep.message(now=10.25).step
    assert not without.HasField("budget_us")
    assert without.age_us == 0
