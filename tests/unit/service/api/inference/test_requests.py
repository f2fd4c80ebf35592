"""What requests are read as, and what is wrong with those that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.inference import requests
from service.api.inference.requests import Parameters
from service.api.inference.wire import Wire
from service.core.errors import InvalidRequest
from service.core.model import Signature, TensorSpec
from service.core.streams import ModelKey
from service.lanes.lane import Lane
from service.runtime.accumulator import accumulate
from service.runtime.stepper import Stepper
from stepwire.inference import inference_pb2 as pb
from tests.unit.service.api.inference.specs import spec

DTYPES = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64"),
]


def wire(*inputs: TensorSpec, outputs: tuple[str, ...] = ("y",)) -> Wire:
    specs = tuple(TensorSpec(name, np.dtype(np.float32), (1,)) for name in outputs)
    stepper = Stepper(accumulate, Signature(inputs, specs, ()))
    return Wire(Lane(ModelKey("model", 3), "digest", stepper, window=4, max_batch=8))


def tensor(
    name: str = "x", datatype: str = "FP32", shape: tuple[int, ...] = (1, 2)
) -> pb.ModelInferRequest.InferInputTensor:
    return pb.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=shape)


def raw(*tensors: pb.ModelInferRequest.InferInputTensor, data: tuple[bytes, ...]) -> Any:
    return pb.ModelInferRequest(inputs=tensors, raw_input_contents=data)


TWO = np.array([1.5, -2.0], np.float32)


def test_raw_contents_are_taken_as_they_are() -> None:
    assert requests.inputs(raw(tensor(), data=(TWO.tobytes(),)), wire(spec())) == (TWO.tobytes(),)


def test_inputs_may_come_in_any_order() -> None:
    model = wire(spec("a"), spec("b", "int64", ()))
    count = np.int64(7).tobytes()
    message = raw(tensor("b", "INT64", (1, 1)), tensor("a"), data=(count, TWO.tobytes()))
    assert requests.inputs(message, model) == (TWO.tobytes(), count)


@given(
    st.sampled_from(DTYPES).flatmap(
        lambda name: st.tuples(st.just(name), st.lists(_elements(name), min_size=3, max_size=3))
    )
)
def test_typed_contents_are_the_bytes_of_their_elements(case: tuple[str, list[Any]]) -> None:
    name, elements = case
    model = wire(spec(dtype=name, shape=(3,)))
    (described,) = model.inputs.values()
    given_tensor = tensor(datatype=described.datatype, shape=(1, 3))
    assert described.field is not None
    getattr(given_tensor.contents, described.field).extend(elements)
    (data,) = requests.inputs(pb.ModelInferRequest(inputs=[given_tensor]), model)
    expected: npt.NDArray[Any] = np.array(elements, name)
    assert data == expected.tobytes()


def _elements(name: str) -> st.SearchStrategy[Any]:
    dtype = np.dtype(name)
    if dtype.kind == "b":
        return st.booleans()
    if dtype.kind == "f":
        return st.floats(width=32 if name == "float32" else 64)
    return st.integers(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def test_halves_come_as_raw_bytes_only() -> None:
    model = wire(spec(dtype="float16"))
    message = pb.ModelInferRequest(inputs=[tensor(datatype="FP16")])
    with pytest.raises(InvalidRequest, match="send it in raw_input_contents"):
        requests.inputs(message, model)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (raw(data=()), "takes x: FP32[1, 2]; got none"),
        (raw(tensor("z"), data=(TWO.tobytes(),)), "has no input 'z'; it takes x: FP32[1, 2]"),
        (raw(tensor(shape=(2,)), data=(TWO.tobytes(),)), "one timestep of one sequence"),
        (raw(tensor(shape=(2, 2)), data=(TWO.tobytes() * 2,)), "one timestep of one sequence"),
        (raw(tensor(datatype="FP64"), data=(TWO.tobytes(),)), "got FP64[1, 2]"),
        (raw(tensor(), data=(b"abc",)), "has 8 bytes; got 3"),
        (raw(tensor(), data=(b"", b"")), "raw_input_contents has 2 tensors and inputs has 1"),
        (raw(tensor(), data=()), "has 2 elements in fp32_contents; got 0"),
        (raw(tensor(), tensor(), data=()), "takes x: FP32[1, 2]; got x, x"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(message: pb.ModelInferRequest, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        requests.inputs(message, wire(spec()))
    assert reason in str(refused.value)


def test_an_input_given_twice_is_refused() -> None:
    message = raw(tensor("a"), tensor("a"), data=(TWO.tobytes(),) * 2)
    with pytest.raises(InvalidRequest, match="given twice"):
        requests.inputs(message, wire(spec("a"), spec("b")))


def test_contents_that_are_given_raw_and_typed_are_refused() -> None:
    both = tensor()
    both.contents.SetInParent()  # as clients do that know no absent messages
    assert requests.inputs(raw(both, data=(TWO.tobytes(),)), wire(spec())) == (TWO.tobytes(),)
    both.contents.fp32_contents.extend((3, 4))
    with pytest.raises(InvalidRequest, match="beside raw_input_contents: give one"):
        requests.inputs(raw(both, data=(TWO.tobytes(),)), wire(spec()))


def test_elements_out_of_range_are_refused() -> None:
    small = tensor(datatype="INT8", shape=(1, 1))
    small.contents.int_contents.append(200)
    with pytest.raises(InvalidRequest, match="out of range"):
        requests.inputs(pb.ModelInferRequest(inputs=[small]), wire(spec(dtype="int8", shape=(1,))))


def test_shared_memory_is_refused() -> None:
    shared = tensor()
    shared.parameters["shared_memory_region"].string_param = "mine"
    with pytest.raises(InvalidRequest, match="shared memory is not offered"):
        requests.inputs(raw(shared, data=(TWO.tobytes(),)), wire(spec()))


def asked(*names: str) -> pb.ModelInferRequest:
    outputs = [pb.ModelInferRequest.InferRequestedOutputTensor(name=name) for name in names]
    return pb.ModelInferRequest(outputs=outputs)


def test_all_outputs_are_given_unless_some_are_asked_for() -> None:
    model = wire(spec(), outputs=("y", "z"))
    assert [each.name for each in requests.wanted(asked(), model)] == ["y", "z"]
    assert [each.name for each in requests.wanted(asked("z"), model)] == ["z"]
    assert [each.place for each in requests.wanted(asked("z", "y"), model)] == [1, 0]


def test_outputs_that_are_not_there_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="has no output 'q', only y"):
        requests.wanted(asked("q"), wire(spec()))
    with pytest.raises(InvalidRequest, match="asked for twice"):
        requests.wanted(asked("y", "y"), wire(spec()))
    classified = asked("y")
    classified.outputs[0].parameters["classification"].int64_param = 3
    with pytest.raises(InvalidRequest, match="classification are not offered"):
        requests.wanted(classified, wire(spec()))


def with_parameters(**values: tuple[str, Any]) -> pb.ModelInferRequest:
    message = pb.ModelInferRequest()
    for name, (field, value) in values.items():
        setattr(message.parameters[name], field, value)
    return message


@pytest.mark.parametrize(
    ("field", "id_"), [("int64_param", 7), ("uint64_param", 2**64 - 1), ("string_param", "arm")]
)
def test_a_sequence_is_named_by_a_number_or_a_text(field: str, id_: int | str) -> None:
    assert requests.parameters(with_parameters(sequence_id=(field, id_))).id == id_


def test_what_a_request_says_of_its_sequence_is_read() -> None:
    message = with_parameters(
        sequence_id=("int64_param", 7),
        sequence_start=("bool_param", True),
        sequence_end=("bool_param", True),
        step=("int64_param", 0),
        timeout=("int64_param", 1500),
        priority=("uint64_param", 2),
    )
    assert requests.parameters(message) == Parameters(7, True, True, 0, 0.0015)
    assert requests.parameters(pb.ModelInferRequest()) == Parameters()


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"sequence_id": ("bool_param", True)}, "sequence_id comes as int64_param or uint64_param"),
        ({"sequence_start": ("string_param", "yes")}, "sequence_start comes as bool_param, not as"),
        ({"step": ("int64_param", -1)}, "there is no step -1"),
        ({"step": ("uint64_param", 2**53)}, "there is no step 9007199254740992"),
        ({"timeout": ("int64_param", -1)}, "a timeout of -1 µs is over before it begins"),
    ],
)
def test_parameters_of_another_kind_are_wrong(
    parameters: dict[str, tuple[str, Any]], reason: str
) -> None:
    assert reason in str(requests.parameters(with_parameters(**parameters)).wrong)


@pytest.mark.parametrize("given", [("string_param", "yes"), ("int64_param", 0)])
def test_a_start_of_another_kind_is_a_start_all_the_same(given: tuple[str, Any]) -> None:
    said = requests.parameters(with_parameters(sequence_start=given))
    assert said.start and said.wrong


def test_what_is_wrong_hides_nothing_else_that_a_request_says() -> None:
    message = with_parameters(
        step=("int64_param", -1),
        sequence_id=("int64_param", 7),
        sequence_start=("bool_param", True),
    )
    said = requests.parameters(message)
    assert (said.id, said.start, said.step) == (7, True, None)
