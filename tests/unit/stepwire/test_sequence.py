from __future__ import annotations

import pytest

from stepwire import errors
from stepwire.sequence import Sequence, Timestep
from stepwire.v1 import stream_pb2 as pb


class Caller:
    """Waits for one timestep."""

    def __init__(self, sequence: Sequence, name: str = "x", budget: int | None = None) -> None:
        self.output: pb.Output | None = None
        self.error: errors.StepwireError | None = None
        step = pb.Step(inputs=[name.encode()], budget_us=budget)
        self.timestep = Timestep(step, 10.0, self._succeed, self._fail)
        sequence.add(self.timestep)

    def _succeed(self, output: pb.Output) -> None:
        assert self.output is None and self.error is None
        self.output = output

    def _fail(self, error: errors.StepwireError) -> None:
        assert self.output is None and self.error is None
        self.error = error


def fresh(server_next: int = 0, from_step: int | None = None) -> Sequence:
    sequence = Sequence()
    sequence.opened(server_next, from_step)
    return sequence


def sent(sequence: Sequence) -> list[tuple[int, bytes]]:
    taken = []
    while timestep := sequence.take_unsent():
        taken.append((timestep.number, timestep.step.inputs[0]))
    return taken


def refusal(step: int, code: pb.StepError.Code.ValueType) -> pb.StepError:
    return pb.StepError(step=step, code=code, message="no", next_step=step)


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
    for number in range(2):
        sequence.on_output(pb.Output(step=number))
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
    for number in (0, 1):
        sequence.on_output(pb.Output(step=number))
    assert second.output and second.output.step == 0
    assert third.output and third.output.step == 1


def test_a_conflict_consumes_its_number() -> None:
    sequence = fresh(server_next=3, from_step=1)
    first, second = Caller(sequence, "a"), Caller(sequence, "b")
    assert sent(sequence) == [(1, b"a"), (2, b"b")]
    sequence.on_error(refusal(1, pb.StepError.CODE_STEP_CONFLICT))
    assert isinstance(first.error, errors.StepConflict)
    sequence.on_output(pb.Output(step=2))
    assert second.output
    assert sequence.next_step == 3


def test_a_new_connection_gets_everything_unanswered() -> None:
    sequence = fresh()
    callers = [Caller(sequence, name) for name in "abc"]
    sent(sequence)
    sequence.on_output(pb.Output(step=0))
    sequence.resumed(2)
    assert sent(sequence) == [(1, b"b"), (2, b"c")]
    sequence.on_output(pb.Output(step=1))
    assert callers[1].output


def test_a_server_that_is_behind_has_lost_the_state() -> None:
    sequence = fresh()
    Caller(sequence)
    sent(sequence)
    sequence.on_output(pb.Output(step=0))
    with pytest.raises(errors.StateLost, match="at step 0 and step 1 was next"):
        sequence.resumed(0)


def test_a_server_that_is_ahead_was_advanced_by_another() -> None:
    sequence = fresh()
    Caller(sequence)
    with pytest.raises(errors.StepConflict, match="advanced the stream to step 2"):
        sequence.resumed(2)


def test_a_resumed_stream_may_begin_at_an_older_step() -> None:
    assert fresh(server_next=5).next_step == 5
    assert fresh(server_next=5, from_step=3).next_step == 3
    with pytest.raises(errors.StateLost, match="at step 5 and step 6 was next"):
        fresh(server_next=5, from_step=6)


def test_the_end_of_the_stream_fails_what_is_unanswered() -> None:
    sequence = fresh()
    callers = [Caller(sequence), Caller(sequence)]
    sent(sequence)
    sequence.fail(errors.StreamTakenOver("gone"))
    assert all(isinstance(caller.error, errors.StreamTakenOver) for caller in callers)


def test_a_budget_travels_with_the_time_already_spent() -> None:
    sequence = fresh()
    with_budget = Caller(sequence, budget=500_000).timestep.message(now=10.25).step
    assert (with_budget.budget_us, with_budget.age_us) == (500_000, 250_000)
    without = Caller(sequence).timestep.message(now=10.25).step
    assert not without.HasField("budget_us")
    assert without.age_us == 0
