from __future__ import annotations

import pytest

from stepwire import errors
from stepwire.history import History
from stepwire.sequence import Sequence, Timestep
from stepwire.v1 import stream_pb2 as pb

SIGNATURE = pb.Signature(inputs=[pb.TensorSpec(name="x", dtype="uint8", shape=[1])])
PLENTY = 2**20


class Caller:
    """Waits for one timestep."""

    def __init__(self, sequence: Sequence, name: str = "x", budget: float | None = None) -> None:
        self.output: pb.Output | None = None
        self.error: errors.StepwireError | None = None
        self.timestep = Timestep((name.encode(),), budget, 10.0, self._succeed, self._fail)
        sequence.add(self.timestep)

    def _succeed(self, output: pb.Output) -> None:
        assert self.output is None and self.error is None
        self.output = output

    def _fail(self, error: errors.StepwireError) -> None:
        assert self.output is None and self.error is None
        self.error = error


def opened(
    next_step: int, *, durable: bool = False, durable_step: int = 0, version: int = 1
) -> pb.Opened:
    return pb.Opened(
        next_step=next_step,
        durable=durable,
        durable_step=durable_step,
        version=version,
        signature=SIGNATURE,
    )


def fresh(server_next: int = 0, from_step: int | None = None, *, durable: bool = False) -> Sequence:
    sequence = Sequence(History(PLENTY))
    sequence.opened(opened(server_next, durable=durable, durable_step=server_next), from_step)
    return sequence


def sent(sequence: Sequence) -> list[tuple[int, bytes]]:
    return [(step.step, step.inputs[0]) for step in messages(sequence)]


def messages(sequence: Sequence) -> list[pb.Step]:
    taken = []
    while timestep := sequence.take_unsent():
        taken.append(timestep.message(now=10.0).step)
    return taken


def answer(
    sequence: Sequence,
    *numbers: int,
    durable_step: int = 0,
    verdict: pb.Verdict.ValueType = pb.VERDICT_ON_TIME,
) -> None:
    for number in numbers:
        sequence.on_output(pb.Output(step=number, verdict=verdict, durable_step=durable_step))


def answered(names: str, *, durable_step: int = 0) -> Sequence:
    """A durable stream that has run one step for each name."""
    sequence = fresh(durable=True)
    for number, name in enumerate(names):
        Caller(sequence, name)
        sent(sequence)
        answer(sequence, number, durable_step=durable_step)
    return sequence


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


def test_a_server_back_from_a_crash_gets_what_it_lost_and_then_what_is_unanswered() -> None:
    sequence = answered("abc", durable_step=1)
    waiting = Caller(sequence, "d")
    sent(sequence)
    sequence.resumed(opened(1, durable=True, durable_step=1))
    assert sent(sequence) == [(1, b"b"), (2, b"c"), (3, b"d")]
    answer(sequence, 1, 2)
    assert waiting.output is None
    answer(sequence, 3)
    assert waiting.output and waiting.output.step == 3


def test_what_is_sent_again_carries_the_verdict_of_its_answer() -> None:
    sequence = fresh(durable=True)
    verdicts = [pb.VERDICT_LATE, pb.VERDICT_HELD, pb.VERDICT_ON_TIME]
    for number, verdict in enumerate(verdicts):
        Caller(sequence, budget=0.1)
        sent(sequence)
        answer(sequence, number, verdict=verdict)
    Caller(sequence, budget=0.1)
    sequence.resumed(opened(0, durable=True))
    *replayed, unanswered = messages(sequence)
    assert [step.verdict for step in replayed] == verdicts
    assert not any(step.HasField("budget_us") for step in replayed)
    assert unanswered.verdict == pb.VERDICT_UNSPECIFIED and unanswered.budget_us == 100_000


def test_a_server_that_kept_its_state_gets_nothing_twice() -> None:
    sequence = answered("abc", durable_step=1)
    sequence.resumed(opened(3, durable=True, durable_step=1))
    assert sent(sequence) == []
    sequence.resumed(opened(1, durable=True, durable_step=1))
    assert sent(sequence) == [(1, b"b"), (2, b"c")]


def test_a_crash_while_steps_are_replayed_starts_over_where_the_server_then_stands() -> None:
    sequence = answered("abcd")
    sequence.resumed(opened(0, durable=True))
    sent(sequence)
    answer(sequence, 0, 1, durable_step=2)
    sequence.resumed(opened(2, durable=True, durable_step=2))
    assert sent(sequence) == [(2, b"c"), (3, b"d")]


def test_what_is_in_the_store_is_not_kept() -> None:
    sequence = answered("abc")
    assert sequence.history.first == 0
    answer_and_news = Caller(sequence, "d")
    sent(sequence)
    answer(sequence, 3, durable_step=2)
    assert answer_and_news.output
    assert (sequence.history.first, sequence.history.durable_step) == (2, 2)
    sequence.on_durable(4)
    assert (sequence.history.first, sequence.history.durable_step) == (4, 4)
    sequence.on_durable(3)
    assert sequence.history.durable_step == 4


def test_the_news_of_a_connection_says_what_is_in_its_store() -> None:
    sequence = answered("abc", durable_step=1)
    sequence.resumed(opened(3, durable=True, durable_step=2))
    assert (sequence.history.first, sequence.history.durable_step) == (2, 2)


def test_a_store_that_came_back_older_is_taken_at_its_word() -> None:
    sequence = answered("abc")
    sequence.on_durable(3)
    sequence.resumed(opened(3, durable=True, durable_step=1))
    assert sequence.history.durable_step == 1
    assert not sequence.history.protected
    with pytest.raises(errors.StateLost, match="at step 1 and the inputs before step 3"):
        sequence.resumed(opened(1, durable=True, durable_step=1))


def test_without_a_durable_store_no_answered_step_is_kept() -> None:
    sequence = fresh()
    Caller(sequence)
    sent(sequence)
    answer(sequence, 0)
    assert sequence.history.first == sequence.history.end == 1
    assert not sequence.history.protected


def test_a_refused_step_is_not_replayed_and_leaves_those_that_are() -> None:
    sequence = answered("ab")
    bad, good = Caller(sequence, "bad"), Caller(sequence, "c")
    sent(sequence)
    sequence.on_error(refusal(2, pb.StepError.CODE_INVALID_INPUT))
    assert bad.error
    assert sent(sequence) == [(2, b"c")]
    sequence.on_error(refusal(3, pb.StepError.CODE_STEP_GAP))
    answer(sequence, 2)
    assert good.output
    sequence.resumed(opened(0, durable=True))
    assert sent(sequence) == [(0, b"a"), (1, b"b"), (2, b"c")]


def test_a_step_refused_behind_replayed_ones_lets_those_behind_it_move_up() -> None:
    sequence = answered("a")
    bad, good = Caller(sequence, "bad"), Caller(sequence, "b")
    sequence.resumed(opened(0, durable=True))
    assert sent(sequence) == [(0, b"a"), (1, b"bad"), (2, b"b")]
    answer(sequence, 0)
    sequence.on_error(refusal(1, pb.StepError.CODE_INVALID_INPUT))
    assert bad.error
    sequence.on_error(refusal(2, pb.StepError.CODE_STEP_GAP))
    assert sent(sequence) == [(1, b"b")]
    answer(sequence, 1)
    assert good.output


def test_a_step_whose_inputs_the_server_has_otherwise_ends_what_can_be_replayed() -> None:
    sequence = fresh(server_next=4, from_step=1, durable=True)
    for name in "abc":
        Caller(sequence, name)
    sent(sequence)
    answer(sequence, 1)
    sequence.on_error(refusal(2, pb.StepError.CODE_STEP_CONFLICT))
    answer(sequence, 3)
    assert (sequence.history.first, sequence.history.end) == (3, 4)
    sequence.resumed(opened(3, durable=True, durable_step=3))
    assert sent(sequence) == [(3, b"c")]
    with pytest.raises(errors.StateLost, match="at step 2 and the inputs before step 3"):
        sequence.resumed(opened(2, durable=True, durable_step=2))


def test_a_replay_that_is_refused_is_a_lost_state() -> None:
    sequence = answered("a")
    sequence.resumed(opened(0, durable=True))
    sent(sequence)
    with pytest.raises(errors.StateLost, match=r"has lost step 0 and refuses it now \(no\)"):
        sequence.on_error(refusal(0, pb.StepError.CODE_RUN_FAILED))


def test_a_replay_that_another_client_has_run_otherwise_is_a_conflict() -> None:
    sequence = answered("a")
    sequence.resumed(opened(0, durable=True))
    sent(sequence)
    with pytest.raises(errors.StepConflict, match="another client has run step 0"):
        sequence.on_error(refusal(0, pb.StepError.CODE_STEP_CONFLICT))


def test_another_version_gets_no_step_that_the_former_one_has_run() -> None:
    sequence = answered("abc", durable_step=1)
    waiting = Caller(sequence, "d")
    sequence.resumed(opened(3, durable=True, durable_step=3, version=2))
    assert sequence.history.first == 3
    assert sent(sequence) == [(3, b"d")]
    answer(sequence, 3, durable_step=3)
    assert waiting.output
    sequence.resumed(opened(3, durable=True, durable_step=3, version=2))
    assert sent(sequence) == [(3, b"d")]
