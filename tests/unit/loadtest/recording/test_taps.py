"""What is recorded of streams that pass in calls of their own."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError

from loadtest.recording.taps import StreamTap
from stepwire.recording.v1 import recording_pb2 as rec
from stepwire.v1 import stream_pb2 as pb
from tests.recordings import DIGEST, floats, opened
from tests.unit.loadtest.recording.conftest import Seen


class Talk:
    """A call of one stream."""

    def __init__(self, seen: Seen) -> None:
        self._tap = StreamTap(seen.register)

    def open(self, answer: pb.Opened, mode: pb.OpenMode.ValueType = pb.OPEN_MODE_CREATE) -> None:
        self._say(pb.StreamRequest(open=pb.Open(mode=mode)))
        self._hear(pb.StreamResponse(opened=answer))

    def ask(self, *numbers: int, at: int = 0) -> None:
        for number in numbers:
            step = pb.Step(step=number, inputs=[floats(number)])
            self._say(pb.StreamRequest(step=step), at)

    def answer(
        self, *numbers: int, at: int = 0, verdict: pb.Verdict.ValueType = pb.VERDICT_ON_TIME
    ) -> None:
        for number in numbers:
            output = pb.Output(step=number, outputs=[floats(-number)], verdict=verdict)
            self._hear(pb.StreamResponse(output=output), at)

    def refuse(self, number: int, code: pb.StepError.Code.ValueType) -> None:
        error = pb.StepError(step=number, code=code, message="look there", next_step=number)
        self._hear(pb.StreamResponse(error=error))

    def end(self, error: str = "") -> None:
        self._tap.ended(error)

    def _say(self, request: pb.StreamRequest, at: int = 0) -> None:
        self._tap.said(request.SerializeToString(), at)

    def _hear(self, response: pb.StreamResponse, at: int = 0) -> None:
        self._tap.heard(response.SerializeToString(), at)


def test_a_step_is_recorded_with_its_answer_and_both_times(seen: Seen) -> None:
    talk = Talk(seen)
    talk.open(opened())
    talk.ask(0, 1, at=10)
    talk.answer(0, at=12)
    talk.answer(1, at=15, verdict=pb.VERDICT_HELD)
    [begun] = seen.begun
    assert (begun.stream_id, begun.model, begun.version) == ("a", "accumulator", 1)
    assert (begun.digest, begun.first_step) == (DIGEST, 0)
    assert str(begun.inputs[0]) == 'name: "x"\ndtype: "float32"\nshape: 1\n'
    assert seen.records[-1].step == rec.Step(
        stream=0,
        step=1,
        asked_us=10,
        answered_us=15,
        inputs=[floats(1)],
        outputs=[floats(-1)],
        verdict=rec.VERDICT_HELD,
    )


def test_tokens_are_not_recorded(seen: Seen) -> None:
    Talk(seen).open(opened(token=b"a secret of 16 b"))
    assert not any(b"a secret" in each.SerializeToString() for each in seen.records)


def test_what_a_call_leaves_unanswered_is_recorded_when_it_ends(seen: Seen) -> None:
    talk = Talk(seen)
    talk.open(opened())
    talk.ask(0, 1, 2)
    talk.answer(0)
    assert seen.steps == [(0, 0, True)]
    talk.end()
    assert seen.steps == [(0, 0, True), (0, 1, False), (0, 2, False)]


def test_a_stream_that_is_resumed_goes_on_under_its_number(seen: Seen) -> None:
    first, second = Talk(seen), Talk(seen)
    first.open(opened())
    first.ask(0, 1)
    first.answer(0)
    first.end()
    second.open(opened(1), pb.OPEN_MODE_RECONNECT)
    second.ask(1)
    second.answer(1)
    assert len(seen.begun) == 1
    assert seen.steps == [(0, 0, True), (0, 1, False), (0, 1, True)]


def test_an_answer_that_is_given_again_is_recorded_once(seen: Seen) -> None:
    """As by a server that comes back from a crash at an older checkpoint."""
    first, second = Talk(seen), Talk(seen)
    first.open(opened())
    first.ask(0, 1)
    first.answer(0, 1)
    first.end()
    second.open(opened(0), pb.OPEN_MODE_RECONNECT)
    second.ask(0, 1, 2)
    second.answer(0, 1, 2)
    assert seen.steps == [(0, 0, True), (0, 1, True), (0, 2, True)]


@pytest.mark.parametrize(
    ("answer", "mode", "error"),
    [
        (opened(0), pb.OPEN_MODE_CREATE, ""),
        (opened(0, token=b"other"), pb.OPEN_MODE_RESTART, ""),
        (opened(2, version=2), pb.OPEN_MODE_RECONNECT, "STREAM_MOVED"),
        (opened(2), pb.OPEN_MODE_RESUME, "STREAM_CHANGED"),
        (opened(2, exact=False), pb.OPEN_MODE_RECONNECT, ""),
        (opened(3), pb.OPEN_MODE_RESUME, ""),
    ],
    ids=["created", "restarted", "moved", "changed", "inexact", "stepped-elsewhere"],
)
def test_another_past_is_another_stream(
    seen: Seen, answer: pb.Opened, mode: pb.OpenMode.ValueType, error: str
) -> None:
    first, second = Talk(seen), Talk(seen)
    first.open(opened())
    first.ask(0, 1)
    first.answer(0, 1)
    first.end(error)
    second.open(answer, mode)
    second.ask(answer.next_step)
    second.answer(answer.next_step)
    assert [(each.stream, each.first_step) for each in seen.begun] == [
        (0, 0),
        (1, answer.next_step),
    ]
    assert seen.steps[-1] == (1, answer.next_step, True)


def test_an_error_is_recorded_and_its_number_comes_again(seen: Seen) -> None:
    talk = Talk(seen)
    talk.open(opened())
    talk.ask(0, 1)
    talk.refuse(0, pb.StepError.CODE_INVALID_INPUT)
    talk.refuse(1, pb.StepError.CODE_STEP_GAP)
    talk.ask(0, at=20)
    talk.answer(0, at=21)
    talk.end()
    refused = [each.refused for each in seen.records if each.HasField("refused")]
    assert [(each.step, each.code) for each in refused] == [(0, "INVALID_INPUT"), (1, "STEP_GAP")]
    assert seen.steps == [(0, 0, True)]
    assert seen.records[-1].step.asked_us == 20


def test_streams_on_calls_are_counted(seen: Seen) -> None:
    one, two = Talk(seen), Talk(seen)
    one.open(opened())
    two.open(opened(stream_id="b"))
    assert seen.register.on_calls == 2
    one.end()
    assert seen.register.on_calls == 1


def test_what_is_no_message_is_told(seen: Seen) -> None:
    with pytest.raises(DecodeError):
        StreamTap(seen.register).said(b"\xff\xff\xff", 0)
