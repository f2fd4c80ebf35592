from __future__ import annotations

import pytest

from service.api.native import messages
from service.core.errors import InvalidRequest, StepFault
from service.core.lateness import LatePolicy, Verdict
from service.core.steps import Output, StepError
from service.core.streams import Mode
from stepwire.v1 import stream_pb2 as pb

TOKEN = bytes(range(16))


def test_an_open_without_id_and_token_gets_both_anew() -> None:
    first, second = (messages.open_request(pb.Open(model="m")) for _ in range(2))
    assert first.mode is Mode.CREATE
    assert first.late_policy is LatePolicy.FLAG
    assert first.version is None
    assert len(first.token) == len(second.token) == 16
    assert first.stream_id != second.stream_id
    assert first.token != second.token


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("policy", list(LatePolicy))
def test_an_open_is_taken_as_it_says(mode: Mode, policy: LatePolicy) -> None:
    message = pb.Open(
        model="m",
        version=3,
        stream_id="robot",
        token=TOKEN,
        mode=pb.OpenMode.Value(f"OPEN_MODE_{mode.name}"),
        late_policy=pb.LatePolicy.Value(f"LATE_POLICY_{policy.name}"),
    )
    request = messages.open_request(message)
    assert request == (type(request))("robot", TOKEN, mode, "m", 3, policy)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (pb.Open(mode=99), "^mode 99 is not known here"),  # type: ignore[arg-type]
        (pb.Open(late_policy=99), "^late policy 99 is not"),  # type: ignore[arg-type]
        (pb.Open(mode=pb.OPEN_MODE_RESUME, stream_id="robot"), "resuming needs"),
        (pb.Open(mode=pb.OPEN_MODE_RESUME, token=TOKEN), "resuming needs"),
    ],
)
def test_an_open_that_makes_no_sense_is_refused(message: pb.Open, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        messages.open_request(message)


def test_a_step_without_a_budget_is_never_late() -> None:
    step = messages.step(pb.Step(step=7, inputs=[b"ab", b"c"], age_us=5), received=2.0)
    assert (step.number, step.inputs, step.received) == (7, (b"ab", b"c"), 2.0)
    assert (step.budget, step.age, step.verdict) == (None, 0.0, None)


def test_budgets_and_ages_are_microseconds() -> None:
    step = messages.step(pb.Step(budget_us=0, age_us=1_500_000), received=0.0)
    assert (step.budget, step.age) == (0.0, 1.5)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_verdicts_are_the_same_both_ways(verdict: Verdict) -> None:
    wire = messages.answer(Output(1, (b"y",), verdict), 0).output.verdict
    assert messages.step(pb.Step(verdict=wire), received=0.0).verdict is verdict


def test_an_output_says_its_batch_and_times() -> None:
    answer = messages.answer(Output(3, (b"a", b"b"), Verdict.ON_TIME, 64, 1e-3, 2.5e-4), 2).output
    assert (answer.step, list(answer.outputs)) == (3, [b"a", b"b"])
    assert (answer.batch_size, answer.queue_us, answer.compute_us) == (64, 1000, 250)


def test_a_time_beyond_its_field_is_the_largest() -> None:
    answer = messages.answer(Output(0, (), Verdict.ON_TIME, 1, 1e6, 0.0), 0).output
    assert answer.queue_us == 2**32 - 1


@pytest.mark.parametrize("fault", list(StepFault))
def test_every_fault_has_its_code(fault: StepFault) -> None:
    error = messages.answer(StepError(4, fault, "why", next_step=3), 0).error
    assert pb.StepError.Code.Name(error.code) == f"CODE_{fault.name}"
    assert (error.step, error.message, error.next_step) == (4, "why", 3)
