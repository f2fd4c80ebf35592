"""What a sequence's request is answered."""

from __future__ import annotations

from typing import NamedTuple

from service.api.inference.wire import WireTensor, wire_of
from service.core.steps import Output
from service.lanes.lane import Lane
from stepwire.inference import inference_pb2 as pb

_FINAL = "triton_final_response"


class Envelope(NamedTuple):
    """What of a request its answer needs."""

    id: str
    outputs: tuple[WireTensor, ...]
    """Those wanted."""
    marks_final: bool


def fill(response: pb.ModelInferResponse, envelope: Envelope, output: Output, lane: Lane) -> None:
    """Writes the answer into `response`."""
    wire = wire_of(lane)
    response.model_name = wire.model
    response.model_version = wire.version
    response.id = envelope.id
    if envelope.marks_final:
        response.parameters[_FINAL].bool_param = True
    for tensor in envelope.outputs:
        described = response.outputs.add()
        described.name = tensor.name
        described.datatype = tensor.datatype
        described.shape.extend(tensor.shape)
        response.raw_output_contents.append(output.outputs[tensor.place])
