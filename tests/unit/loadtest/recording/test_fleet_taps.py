"""What is recorded of fleets that pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from loadtest.recording.taps import FleetTap
from stepwire.packing import packed
from stepwire.recording.v1 import recording_pb2 as rec
from stepwire.v1 import stream_pb2 as pb
from tests.recordings import floats, opened
from tests.unit.loadtest.recording.conftest import Seen


class Fleet:
    """A call of streams with the tags, handles and ids 0, 1, ..."""

    def __init__(self, seen: Seen, count: int) -> None:
        self.tap = FleetTap(seen.register)
        members = [pb.FleetMember(tag=10 + n, open=pb.Open()) for n in range(count)]
        self.say(pb.FleetRequest(open=pb.FleetOpen(members=members)))
        answers = [
            pb.FleetMemberOpened(tag=10 + n, handle=n, opened=opened(stream_id=str(n)))
            for n in range(count)
        ]
        self.hear(pb.FleetResponse(opened=pb.FleetOpened(members=answers)))

    def say(self, request: pb.FleetRequest, at: int = 5) -> None:
        self.tap.said(request.SerializeToString(), at)

    def hear(self, response: pb.FleetResponse) -> None:
        self.tap.heard(response.SerializeToString(), 9)

    def ask(self, *steps: tuple[int, int], at: int = 5) -> None:
        """Handles and numbers."""
        alone = [(h, pb.Step(step=n, inputs=[floats(10 * h + n)])) for h, n in steps]
        self.say(packed(alone), at)

    def answer(self, *steps: tuple[int, int]) -> None:
        handles, numbers = zip(*steps, strict=True)
        outputs = floats(*(-10 * handle - number for handle, number in steps))
        answers = pb.FleetOutputs(
            handles=np.array(handles, "<u4").tobytes(),
            steps=np.array(numbers, "<u8").tobytes(),
            outputs=[outputs],
        )
        self.hear(pb.FleetResponse(outputs=answers))


def test_each_stream_of_a_fleet_is_recorded_by_itself(seen: Seen) -> None:
    fleet = Fleet(seen, 3)
    fleet.ask((0, 0), (2, 0), (1, 0))
    fleet.ask((2, 1))
    fleet.answer((1, 0), (2, 0))
    fleet.answer((0, 0), (2, 1))
    assert [each.stream_id for each in seen.begun] == ["0", "1", "2"]
    assert seen.steps == [(1, 0, True), (2, 0, True), (0, 0, True), (2, 1, True)]
    assert seen.records[-1].step == rec.Step(
        stream=2,
        step=1,
        asked_us=5,
        answered_us=9,
        inputs=[floats(21)],
        outputs=[floats(-21)],
        verdict=rec.VERDICT_ON_TIME,
    )


def test_a_stream_that_leaves_a_fleet_takes_its_unanswered_steps_along(seen: Seen) -> None:
    fleet = Fleet(seen, 2)
    fleet.ask((0, 0), (1, 0))
    fleet.hear(pb.FleetResponse(left=pb.FleetLeft(handle=1)))
    assert seen.steps == [(1, 0, False)]
    fleet.answer((1, 0))
    fleet.tap.ended("")
    assert seen.steps == [(1, 0, False), (0, 0, False)]
    assert seen.register.on_calls == 0


def test_a_step_beyond_the_window_is_refused_before_those_that_wait(seen: Seen) -> None:
    fleet = Fleet(seen, 1)
    fleet.ask((0, 0), at=6)
    fleet.ask((0, 0), at=7)
    error = pb.StepError(step=0, code=pb.StepError.CODE_RESOURCE_EXHAUSTED)
    errors = pb.FleetErrors(errors=[pb.FleetError(handle=0, error=error)])
    fleet.hear(pb.FleetResponse(errors=errors))
    fleet.answer((0, 0))
    assert seen.steps == [(0, 0, True)]
    assert seen.records[-1].step.asked_us == 6


def _short(message: pb.FleetSteps) -> None:
    message.inputs[0] = message.inputs[0][:-1]


def _lone(message: pb.FleetSteps) -> None:
    message.steps = message.steps[:8]


def _strange(message: pb.FleetSteps) -> None:
    message.handles = np.array([7, 8], "<u4").tobytes()


@pytest.mark.parametrize("spoil", [_short, _lone, _strange])
def test_a_message_that_the_server_refuses_whole_is_not_recorded(
    seen: Seen, spoil: Callable[[pb.FleetSteps], None]
) -> None:
    fleet = Fleet(seen, 2)
    steps: Iterable[tuple[int, pb.Step]] = [
        (handle, pb.Step(step=0, inputs=[floats(1)])) for handle in range(2)
    ]
    request = packed(list(steps))
    spoil(request.steps)
    fleet.say(request)
    fleet.tap.ended("")
    assert seen.steps == []
