"""The gRPC protocol of Triton Inference Server: a ModelStreamInfer call for each sequence.

https://github.com/triton-inference-server/common/blob/main/protobuf/grpc_service.proto
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
import numpy as np

from loadtest.load import Load
from loadtest.talkers.connection import Connection
from loadtest.talkers.dialect import Dialect, Greeted
from loadtest.talkers.talker import Answer, Served
from stepwire import errors
from stepwire.call import Call
from stepwire.channel import Metadata
from stepwire.inference import inference_pb2 as pb
from stepwire.inference import inference_pb2_grpc as pb_grpc
from stepwire.tensors import Signature
from stepwire.v1 import stream_pb2

_WINDOW = 32
"""Steps of a sequence that may be unanswered; the protocol names no number."""
_KIND = 80
"""Characters of a message that stand for its kind."""
_DTYPES = {
    "BOOL": "bool",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    **{
        f"{sign}INT{bits}": f"{sign.lower()}int{bits}"
        for sign in ("", "U")
        for bits in (8, 16, 32, 64)
    },
}

TensorMetadata = pb.ModelMetadataResponse.TensorMetadata


class Described:
    """What ModelMetadata says of a model."""

    def __init__(self, answer: pb.ModelMetadataResponse) -> None:
        self.name = answer.name
        self.version = max((int(each) for each in answer.versions if each.isdigit()), default=0)
        self.inputs = [
            pb.ModelInferRequest.InferInputTensor(
                name=tensor.name, datatype=tensor.datatype, shape=_one_row(tensor.shape)
            )
            for tensor in answer.inputs
        ]
        self.signature = Signature(stream_pb2.Signature(inputs=map(_spec, answer.inputs)))


def _one_row(shape: Sequence[int]) -> list[int]:
    """Where a size is open, as that of the batch, it is 1."""
    return [1 if size < 0 else size for size in shape]


def _spec(tensor: TensorMetadata) -> stream_pb2.TensorSpec:
    dtype = _DTYPES.get(tensor.datatype)
    if dtype is None:
        raise errors.InvalidRequest(f"input {tensor.name} is {tensor.datatype}, not a number")
    return stream_pb2.TensorSpec(
        name=tensor.name, dtype=np.dtype(dtype).name, shape=_one_row(tensor.shape)
    )


async def describe(connection: Connection) -> Described:
    """Raises a StepwireError."""
    stub: pb_grpc.GRPCInferenceServiceAsyncStub = pb_grpc.GRPCInferenceServiceStub(
        connection.channel
    )
    load = connection.load
    request = pb.ModelMetadataRequest(name=load.model, version=_version(load))
    with _named():
        return Described(await stub.ModelMetadata(request, metadata=connection.metadata))


def _version(load: Load) -> str:
    return "" if load.version is None else str(load.version)


@contextmanager
def _named() -> Iterator[None]:
    """Turns what gRPC raises into a StepwireError."""
    try:
        yield
    except grpc.aio.AioRpcError as failed:
        raise errors.from_call(failed.code(), failed.details(), None) from failed


class Triton(Dialect[pb.ModelInferRequest, pb.ModelStreamInferResponse]):
    def __init__(self, connection: Connection, described: Described, stream: int) -> None:
        self._stub: pb_grpc.GRPCInferenceServiceAsyncStub = pb_grpc.GRPCInferenceServiceStub(
            connection.channel
        )
        self._connection = connection
        self._version = _version(connection.load)
        self._described = described
        self._stream = stream
        self._sequence = 0
        self._starts = True

    async def begin(self) -> Call[pb.ModelInferRequest, pb.ModelStreamInferResponse]:
        """Asks before whether somebody is there to take the first step: gRPC begins a call with
        nobody, and what waits would be lost in it.
        """
        self._sequence = 1 + secrets.randbits(62)
        self._starts = True
        request = pb.ModelReadyRequest(name=self._described.name, version=self._version)
        with _named():
            told = await self._stub.ModelReady(request, metadata=self._metadata)
        if not told.ready:
            raise errors.Unavailable(f"{self._described.name} is not ready")
        return Call(self._stub.ModelStreamInfer(metadata=self._metadata))

    async def greet(self, call: Call[pb.ModelInferRequest, pb.ModelStreamInferResponse]) -> Greeted:
        """The first step starts the sequence; nothing comes before it."""
        known = self._described
        self._connection.timesteps.fit(known.signature)
        inputs = tuple(map(str, known.signature.inputs))
        return Greeted(_WINDOW, Served(known.name, known.version, "", inputs))

    @property
    def _metadata(self) -> Metadata:
        return (("stepwire-route", str(self._sequence)), *self._connection.metadata)

    def step(self, number: int) -> pb.ModelInferRequest:
        request = pb.ModelInferRequest(
            model_name=self._described.name,
            model_version=self._version,
            inputs=self._described.inputs,
            raw_input_contents=self._connection.timesteps.of(self._stream, number),
        )
        request.parameters["sequence_id"].int64_param = self._sequence
        if self._starts:
            request.parameters["sequence_start"].bool_param = True
            self._starts = False
        return request

    def read(self, response: pb.ModelStreamInferResponse) -> Answer:
        if response.error_message:
            self._starts = True  # the sequence may be gone
            return Answer(error=kind(response.error_message))
        return Answer()

    def goodbye(self) -> pb.ModelInferRequest:
        request = self.step(0)
        request.parameters["sequence_end"].bool_param = True
        return request


def kind(message: str) -> str:
    """A message without what may differ in each: its numbers."""
    return re.sub(r"\d+", "#", message)[:_KIND]
