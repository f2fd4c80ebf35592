"""What the server is, and what its models take and give. Hidden states stay hidden."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version

from service.api.inference.datatypes import datatype
from service.api.inference.shapes import dims
from service.core.model import TensorSpec
from service.lanes.lane import Lane
from stepwire.inference import inference_pb2 as pb

PLATFORM = "onnxruntime_onnx"
EXTENSIONS = ("sequence", "statistics", "model_repository", "model_configuration")
"""By Triton's names."""

_Tensor = pb.ModelMetadataResponse.TensorMetadata
_ROWS = -1
"""The batch axis, in front of a timestep's shape."""


def server_metadata() -> pb.ServerMetadataResponse:
    return pb.ServerMetadataResponse(
        name="stepwire", version=version("stepwire"), extensions=EXTENSIONS
    )


def model_metadata(lane: Lane, versions: Iterable[int]) -> pb.ModelMetadataResponse:
    """`versions`: those that the caller may choose from."""
    return pb.ModelMetadataResponse(
        name=lane.model.name,
        versions=map(str, versions),
        platform=PLATFORM,
        inputs=map(_tensor, lane.signature.inputs),
        outputs=map(_tensor, lane.signature.outputs),
    )


def _tensor(spec: TensorSpec) -> _Tensor:
    return _Tensor(name=spec.name, datatype=datatype(spec.dtype), shape=(_ROWS, *dims(spec)))
