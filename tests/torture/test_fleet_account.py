"""What is known of the streams of a raw fleet finds what it is there to find."""

from __future__ import annotations

import pytest

from stepwire.v1 import stream_pb2 as pb
from torture.diary import Account, Diary
from torture.member import Member, account_of
from torture.promises import PromiseBroken
from torture.seat import Entry, Seat
from torture.witness import Observation, Witness

HELD = 4
"""The step of a holding stream that comes too late."""


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Witness:
    return Witness(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def holding(witness: Witness) -> Member:
    """A stream that has made six steps, one of which was held, and that nothing has happened to."""
    member = Member(witness, Diary(3), pb.LATE_POLICY_HOLD, late_every=HELD + 1)
    inputs = [step for step in range(6) if step != HELD]
    undisturbed = witness.undisturbed({3: 5}, lambda _, place: witness.input(3, inputs[place]))
    member.diary.seen = [seen for _, _, seen in undisturbed]
    member.diary.seen.insert(HELD, member.diary.seen[HELD - 1])
    return member


@pytest.fixture
def seat(witness: Witness) -> Seat:
    """Of a stream that has just been opened."""
    seat = Seat(Member(witness, Diary(0), pb.LATE_POLICY_REJECT, 5), 9, pb.OPEN_MODE_CREATE)
    seat.open(0, pb.Opened(window=8))
    return seat


def say(seat: Seat, steps: int) -> None:
    for _ in range(steps):
        due = seat.due()
        assert due
        seat.say(due)


def seen(taken: int) -> Observation:
    return Observation(bytes(16), taken)


def test_a_held_step_takes_no_effect(holding: Member) -> None:
    assert account_of([holding]) == Account(steps=6, lost=0, doubled=0, different=0)


def test_a_held_step_that_has_an_effect_is_found(holding: Member) -> None:
    y, taken = holding.diary.seen[HELD]
    holding.diary.seen[HELD] = Observation(y, taken + 1)
    assert account_of([holding]).different == 1


def test_a_step_behind_a_held_one_that_counts_it_is_doubled(holding: Member) -> None:
    y, taken = holding.diary.seen[HELD + 1]
    holding.diary.seen[HELD + 1] = Observation(y, taken + 1)
    assert account_of([holding]).doubled == 1


@pytest.mark.parametrize(
    ("step", "verdict"),
    [(HELD, pb.VERDICT_LATE), (HELD, pb.VERDICT_ON_TIME), (HELD + 1, pb.VERDICT_HELD)],
)
def test_a_wrong_verdict_is_found(holding: Member, step: int, verdict: int) -> None:
    with pytest.raises(PromiseBroken, match="verdict"):
        holding.note(step, holding.diary.seen[step], verdict)


def test_an_answer_given_again_must_be_the_same(holding: Member) -> None:
    holding.note(1, holding.diary.seen[1], pb.VERDICT_ON_TIME)
    with pytest.raises(PromiseBroken, match="and again by"):
        holding.note(1, holding.diary.seen[2], pb.VERDICT_ON_TIME)


def test_answers_in_another_order_are_found(seat: Seat) -> None:
    say(seat, 2)
    with pytest.raises(PromiseBroken, match="step 1 was answered before step 0"):
        seat.hear(1, seen(2), pb.VERDICT_ON_TIME)


def test_a_second_answer_is_found(seat: Seat) -> None:
    say(seat, 1)
    seat.hear(0, seen(1), pb.VERDICT_ON_TIME)
    with pytest.raises(PromiseBroken, match="answered before, is answered"):
        seat.hear(0, seen(1), pb.VERDICT_ON_TIME)


def test_a_sound_step_must_not_be_refused(seat: Seat) -> None:
    say(seat, 1)
    with pytest.raises(PromiseBroken, match="was refused as"):
        seat.hear_error(pb.StepError(step=0, code=pb.StepError.CODE_STEP_GAP))


def test_a_step_that_is_none_must_not_be_answered(seat: Seat) -> None:
    seat.say(Entry(0, bytes(16), sound=False, answered=False))
    with pytest.raises(PromiseBroken, match="that is none was answered"):
        seat.hear(0, seen(1), pb.VERDICT_ON_TIME)


def test_what_was_in_flight_behind_a_refused_step_comes_again(seat: Seat) -> None:
    say(seat, 6)
    for step in range(4):
        seat.hear(step, seen(step + 1), pb.VERDICT_ON_TIME)
    seat.hear_error(pb.StepError(step=4, code=pb.StepError.CODE_STEP_LATE))
    assert seat.due() is None
    seat.hear_error(pb.StepError(step=5, code=pb.StepError.CODE_STEP_GAP))
    due = seat.due()
    assert due and (due.number, due.late) == (4, False)
