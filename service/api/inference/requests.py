"""What a ModelInferRequest asks for. What reads its tensors raises InvalidRequest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from service.api.inference.wire import Wire, WireTensor
from service.core.errors import InvalidRequest
from stepwire.inference import inference_pb2 as pb

_LATEST_STEP = 2**53 - 1
"""Of a stream, as any state store counts."""


class Parameters(NamedTuple):
    """What a request says of its sequence."""

    id: int | str = 0
    """0 and "": none."""
    start: bool = False
    end: bool = False
    step: int | None = None
    timeout: float | None = None
    """Seconds after which the timestep is not to run any more. None: no limit, which a client may
    also ask for as 0."""
    marks_final: bool = False
    """Whether the answer is to say that it is the last one to its request."""
    wrong: InvalidRequest | None = None
    """Why the request is not to run, whatever else it says."""


def _step(number: int) -> int:
    """Raises InvalidRequest."""
    if 0 <= number <= _LATEST_STEP:
        return number
    raise InvalidRequest(f"there is no step {number}")


def _seconds(timeout: int) -> float | None:
    """`timeout`: in microseconds. Raises InvalidRequest."""
    if timeout < 0:
        raise InvalidRequest(f"a timeout of {timeout} µs is over before it begins")
    return timeout / 1e6 if timeout else None


class _Reading(NamedTuple):
    field: str
    """Of `Parameters`."""
    types: tuple[str, ...]
    """Of the parameter."""
    convert: Callable[[Any], Any] = lambda value: value
    """From the parameter's value to the field's. Raises InvalidRequest."""


_NUMBER = ("int64_param", "uint64_param")
_READ = {
    "sequence_id": _Reading("id", (*_NUMBER, "string_param")),
    "sequence_start": _Reading("start", ("bool_param",)),
    "sequence_end": _Reading("end", ("bool_param",)),
    "step": _Reading("step", _NUMBER, _step),
    "timeout": _Reading("timeout", _NUMBER, _seconds),
    "triton_enable_empty_final_response": _Reading("marks_final", ("bool_param",)),
}


def parameters(message: pb.ModelInferRequest) -> Parameters:
    """Those that mean something here; others are a client's own."""
    found: dict[str, Any] = {}
    given = message.parameters
    for name in given:
        reading = _READ.get(name)
        if reading:
            try:
                found[reading.field] = _value(name, given[name], reading)
            except InvalidRequest as error:
                found["wrong"] = error
                if name == "sequence_start":  # what comes behind it is not for the former sequence
                    found["start"] = True
    return Parameters(**found)


def _value(name: str, given: pb.InferParameter, reading: _Reading) -> Any:
    """As its field has it. Raises InvalidRequest."""
    type_ = given.WhichOneof("parameter_choice")
    if type_ not in reading.types:
        raise InvalidRequest(
            f"parameter {name} comes as {' or '.join(reading.types)}, not as {type_ or 'nothing'}"
        )
    return reading.convert(getattr(given, type_))


def inputs(message: pb.ModelInferRequest, wire: Wire) -> tuple[bytes, ...]:
    """In signature order, little-endian."""
    given, raw = message.inputs, message.raw_input_contents
    if len(given) != len(wire.inputs):
        names = ", ".join(tensor.name for tensor in given) or "none"
        raise InvalidRequest(f"model {wire.model.name} takes {wire.expects}; got {names}")
    if raw and len(raw) != len(given):
        raise InvalidRequest(
            f"raw_input_contents has {len(raw)} tensors and inputs has {len(given)}: give the "
            "contents of all inputs raw, or of none"
        )
    if raw and any(tensor.contents.ByteSize() for tensor in given):
        raise InvalidRequest("an input has typed contents beside raw_input_contents: give one")
    if len(given) == 1:
        tensor = _checked(given[0], wire)
        return (_sized(raw[0], tensor) if raw else _typed(given[0], tensor),)
    found: dict[int, bytes] = {}
    for position, each in enumerate(given):
        tensor = _checked(each, wire)
        found[tensor.place] = _sized(raw[position], tensor) if raw else _typed(each, tensor)
    if len(found) != len(given):
        raise InvalidRequest(
            f"an input is given twice; model {wire.model.name} takes {wire.expects}"
        )
    return tuple(found[place] for place in range(len(found)))


def places(message: pb.ModelInferRequest, wire: Wire) -> list[int]:
    """Of its inputs in the signature; of a request that `inputs` takes."""
    return [wire.inputs[given.name].place for given in message.inputs]


def _checked(given: pb.ModelInferRequest.InferInputTensor, wire: Wire) -> WireTensor:
    tensor = wire.inputs.get(given.name)
    if tensor is None:
        raise InvalidRequest(
            f"model {wire.model.name} has no input {given.name!r}; it takes {wire.expects}"
        )
    if given.datatype != tensor.datatype or tuple(given.shape) != tensor.shape:
        raise InvalidRequest(
            f"a request carries one timestep of one sequence, with {tensor}; "
            f"got {given.datatype}{list(given.shape)}"
        )
    if given.parameters:
        raise InvalidRequest(
            f"input {given.name!r} has parameters ({', '.join(sorted(given.parameters))}): shared "
            "memory is not offered here, send the contents"
        )
    return tensor


def _sized(data: bytes, tensor: WireTensor) -> bytes:
    if len(data) != tensor.nbytes:
        raise InvalidRequest(f"{tensor} has {tensor.nbytes} bytes; got {len(data)}")
    return data


def _typed(given: pb.ModelInferRequest.InferInputTensor, tensor: WireTensor) -> bytes:
    if tensor.field is None:
        raise InvalidRequest(f"{tensor} has no typed contents: send it in raw_input_contents")
    elements: Sequence[bool | int | float] = getattr(given.contents, tensor.field)
    try:
        data = np.array(list(elements), tensor.dtype).tobytes()
    except OverflowError as error:
        raise InvalidRequest(f"{tensor} has elements out of range: {error}") from error
    if len(data) != tensor.nbytes:
        raise InvalidRequest(
            f"{tensor} has {tensor.nbytes // tensor.dtype.itemsize} elements in {tensor.field}; "
            f"got {len(elements)}"
        )
    return data


def wanted(message: pb.ModelInferRequest, wire: Wire) -> tuple[WireTensor, ...]:
    """The outputs that are asked for."""
    asked = message.outputs
    if not asked:
        return wire.every_output
    found = tuple([_output(each, wire) for each in asked])
    if len(set(found)) != len(found):
        raise InvalidRequest(f"an output of model {wire.model.name} is asked for twice")
    return found


def _output(asked: pb.ModelInferRequest.InferRequestedOutputTensor, wire: Wire) -> WireTensor:
    tensor = wire.outputs.get(asked.name)
    if tensor is None:
        raise InvalidRequest(
            f"model {wire.model.name} has no output {asked.name!r}, only {', '.join(wire.outputs)}"
        )
    if asked.parameters:
        raise InvalidRequest(
            f"output {asked.name!r} has parameters ({', '.join(sorted(asked.parameters))}): shared "
            "memory and classification are not offered here"
        )
    return tensor
