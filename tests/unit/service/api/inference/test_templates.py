"""A request that is matched to an earlier one says what it says when it is parsed."""

from __future__ import annotations

from weakref import ref

from hypothesis import given
from hypothesis import strategies as st

from service.api.inference import requests
from service.api.inference.replies import ReplyForm
from service.api.inference.templates import Template, Templates
from service.api.inference.wire import wire_of
from service.core.model import Signature
from service.core.sequences import sequence_key
from service.core.streams import ModelKey
from service.lanes.lane import Lane
from service.runtime.accumulator import accumulate
from service.runtime.stepper import Stepper
from stepwire.inference import inference_pb2 as pb
from tests.unit.service.api.inference.specs import spec

SIGNATURE = Signature((spec("a"), spec("b", "int64", (40,))), (spec("y"),), ())
LANE = Lane(ModelKey("model", 3), "", Stepper(accumulate, SIGNATURE), window=4, max_batch=8)
WIRE = wire_of(LANE)

sizes = {"a": 8, "b": 320}
shapes = {"a": ("FP32", (1, 2)), "b": ("INT64", (1, 40))}


@st.composite
def messages(draw: st.DrawFn) -> pb.ModelInferRequest:
    message = pb.ModelInferRequest(
        model_name="model",
        model_version=draw(st.sampled_from(["", "3"])),
        id=draw(st.text(max_size=4) | st.just("x" * 200)),
    )
    message.parameters["sequence_id"].int64_param = draw(st.integers(1, 3))
    if draw(st.booleans()):
        message.parameters["triton_enable_empty_final_response"].bool_param = True
    for name in draw(st.permutations(["a", "b"])):
        datatype, shape = shapes[name]
        message.inputs.add(name=name, datatype=datatype, shape=shape)
        message.raw_input_contents.append(draw(st.binary(min_size=1, max_size=1)) * sizes[name])
    if draw(st.booleans()):
        message.outputs.add(name="y")
    return message


def learn(templates: Templates, data: bytes, message: pb.ModelInferRequest) -> Template:
    asked = requests.parameters(message)
    key = sequence_key("", message.model_name, asked.id)
    version = int(message.model_version) if message.model_version else None
    form = ReplyForm(WIRE, requests.wanted(message, WIRE), asked.marks_final)
    template = Template(key, message.model_name, version, ref(LANE), form)
    templates.learn(data, message, requests.places(message, WIRE), template)
    return template


def check(templates: Templates, data: bytes) -> bool:
    """That a match says what the parsed request says; whether there is one."""
    match = templates.match(data)
    if match is None:
        return False
    message = pb.ModelInferRequest.FromString(data)
    asked = requests.parameters(message)
    assert match.id == message.id.encode()
    assert match.inputs == requests.inputs(message, WIRE)
    assert match.template.key == sequence_key("", message.model_name, asked.id)
    assert match.template.model == message.model_name
    version = match.template.version
    assert ("" if version is None else str(version)) == message.model_version
    output = (b"o" * 8,)
    form = ReplyForm(WIRE, requests.wanted(message, WIRE), asked.marks_final)
    assert match.template.form.response(b"i", output) == form.response(b"i", output)
    return True


@given(st.lists(messages(), min_size=1, max_size=8))
def test_a_match_says_what_the_parsed_request_says(sent: list[pb.ModelInferRequest]) -> None:
    templates = Templates()
    for message in sent:
        data = message.SerializeToString(deterministic=True)
        if not check(templates, data):
            learn(templates, data, message)


@given(messages(), st.data())
def test_damaged_requests_match_only_what_they_say(
    message: pb.ModelInferRequest, data: st.DataObject
) -> None:
    templates = Templates()
    whole = message.SerializeToString(deterministic=True)
    learn(templates, whole, message)
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.binary(max_size=3))
    damaged = whole[:at] + byte + whole[at + 1 :]
    match = templates.match(damaged)
    if match:
        parsed = pb.ModelInferRequest.FromString(damaged)
        assert (match.id, match.inputs) == (parsed.id.encode(), requests.inputs(parsed, WIRE))


def request(id_: str, x: int, sequence: int = 7) -> bytes:
    message = pb.ModelInferRequest(model_name="model", id=id_)
    message.parameters["sequence_id"].int64_param = sequence
    for name, (datatype, shape) in shapes.items():
        message.inputs.add(name=name, datatype=datatype, shape=shape)
        message.raw_input_contents.append(bytes([x]) * sizes[name])
    return message.SerializeToString(deterministic=True)


def test_requests_that_differ_in_id_and_contents_match() -> None:
    templates = Templates()
    first = request("1", 1)
    assert templates.match(first) is None
    learn(templates, first, pb.ModelInferRequest.FromString(first))
    assert check(templates, request("1234", 2))
    assert check(templates, request("", 3))


def test_other_requests_do_not() -> None:
    templates = Templates()
    first = request("1", 1)
    learn(templates, first, pb.ModelInferRequest.FromString(first))
    assert templates.match(request("1", 1, sequence=8)) is None
    assert templates.match(request("ä", 1)) is None
    assert templates.match(request("x" * 128, 1)) is None
    assert templates.match(first[:-1]) is None
    assert templates.match(b"") is None


def test_sequences_of_one_call_have_a_template_each() -> None:
    templates = Templates()
    for sequence in (7, 8):
        data = request("1", 1, sequence)
        learn(templates, data, pb.ModelInferRequest.FromString(data))
    assert check(templates, request("2", 2, 7)) and check(templates, request("3", 3, 8))


def test_two_models_on_one_call_leave_each_others_templates() -> None:
    templates = Templates()
    for version in ("", "3"):
        message = pb.ModelInferRequest.FromString(request("1", 1))
        message.model_version = version
        data = message.SerializeToString(deterministic=True)
        learn(templates, data, message)
        assert check(templates, data)
    assert check(templates, request("2", 2))


def test_what_a_client_adds_of_its_own_is_not_kept_at_any_length() -> None:
    templates = Templates()
    message = pb.ModelInferRequest.FromString(request("1", 1))
    message.parameters["note"].string_param = "x" * 2000
    data = message.SerializeToString(deterministic=True)
    learn(templates, data, message)
    assert templates.match(data) is None


def test_requests_that_all_differ_are_not_kept_for_ever() -> None:
    templates = Templates()
    for sequence in range(1, 5_000):
        data = request("1", 1, sequence)
        if not check(templates, data):
            learn(templates, data, pb.ModelInferRequest.FromString(data))
    assert not check(templates, request("1", 1, 1))
    assert not check(templates, request("1", 1, 4_999))
