from __future__ import annotations

import pytest

from service.api.refusals import Refusals
from service.core.errors import StepFault
from service.core.steps import StepError
from service.core.streams import StreamKey
from tests.fakes import MODEL

ONE, OTHER = StreamKey("", "one"), StreamKey("lab", "other")


def error(step: int, fault: StepFault) -> StepError:
    return StepError(step, fault, f"step {step} does not fit", 0)


def test_each_stream_and_reason_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for step in range(3):
        refusals.tell(ONE, MODEL, error(step, StepFault.INVALID_INPUT))
        refusals.tell(ONE, MODEL, error(step, StepFault.STEP_GAP))
        refusals.tell(OTHER, MODEL, error(step, StepFault.STEP_GAP))
    told = [(line.stream, line.step, line.error) for line in caplog.records]  # type: ignore[attr-defined]  # of `extra`
    assert told == [
        ("one", 0, "INVALID_INPUT"),
        ("one", 0, "STEP_GAP"),
        ("lab/other", 0, "STEP_GAP"),
    ]
    assert caplog.messages[0] == "stream one was refused a step: step 0 does not fit"


def test_another_call_is_told_of_anew(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        Refusals().tell(ONE, MODEL, error(0, StepFault.STEP_GAP))
    assert len(caplog.records) == 2
