"""What a server that comes back without its last timesteps is given again."""

from __future__ import annotations

import pytest

from stepwire import errors
from stepwire.v1 import stream_pb2 as pb
from tests.unit.stepwire.callers import (
    Caller,
    answer,
    answered,
    fresh,
    messages,
    opened,
    refusal,
    sent,
)


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
