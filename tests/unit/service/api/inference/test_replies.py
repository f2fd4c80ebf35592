"""Answers written in bytes are the messages that they stand for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.api.inference.replies import ReplyForm, refusal
from service.api.inference.wire import wire_of
from service.core.model import Signature
from service.core.streams import ModelKey
from service.lanes.lane import Lane
from service.runtime.accumulator import accumulate
from service.runtime.stepper import Stepper
from stepwire.inference import inference_pb2 as pb
from tests.unit.service.api.inference.specs import spec

SIGNATURE = Signature((spec(),), (spec("y"), spec("z", "int64", (100,))), ())


def lane(version: int = 3) -> Lane:
    stepper = Stepper(accumulate, SIGNATURE)
    return Lane(ModelKey("model", version), "", stepper, window=4, max_batch=8)


OUTPUTS = (b"y" * 8, b"z" * 800)


@given(st.text(max_size=300), st.booleans())
def test_an_answer_is_the_message_it_stands_for(id_: str, marks_final: bool) -> None:
    wire = wire_of(lane())
    form = ReplyForm(wire, wire.every_output, marks_final)
    expected = pb.ModelInferResponse(
        model_name="model",
        model_version="3",
        id=id_,
        raw_output_contents=OUTPUTS,
    )
    expected.outputs.add(name="y", datatype="FP32", shape=(1, 2))
    expected.outputs.add(name="z", datatype="INT64", shape=(1, 100))
    if marks_final:
        expected.parameters["triton_final_response"].bool_param = True
    assert pb.ModelInferResponse.FromString(form.response(id_.encode(), OUTPUTS)) == expected
    for _ in range(2):  # of ids of one length the second is written otherwise
        streamed = pb.ModelStreamInferResponse.FromString(form.streamed(id_.encode(), OUTPUTS))
        assert streamed == pb.ModelStreamInferResponse(infer_response=expected)


def test_only_the_outputs_that_are_wanted_are_given() -> None:
    wire = wire_of(lane())
    form = ReplyForm(wire, (wire.outputs["z"],), False)
    answer = pb.ModelInferResponse.FromString(form.response(b"", OUTPUTS))
    assert [each.name for each in answer.outputs] == ["z"]
    assert list(answer.raw_output_contents) == [OUTPUTS[1]]


def test_a_refusal_has_the_id_and_says_why() -> None:
    answer = pb.ModelStreamInferResponse.FromString(refusal("ä".encode(), "no such thing"))
    assert (answer.error_message, answer.infer_response.id) == ("no such thing", "ä")
    assert not answer.infer_response.parameters


def test_a_refusal_quotes_no_end_of_text() -> None:
    answer = pb.ModelStreamInferResponse.FromString(refusal(b"a", "no model " + "m" * 2**22))
    assert answer.error_message.startswith("no model mmm")
    assert len(answer.error_message) == 1000


def test_a_refusal_tells_the_timestep_that_is_due() -> None:
    answer = pb.ModelStreamInferResponse.FromString(refusal(b"", "too far", 7))
    assert answer.infer_response.parameters["next_step"].int64_param == 7
