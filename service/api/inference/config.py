"""How a model is batched, in Triton's terms."""

from __future__ import annotations

from typing import NamedTuple

from service.api.inference.datatypes import data_type
from service.api.inference.metadata import PLATFORM
from service.api.inference.shapes import dims
from service.core.model import TensorSpec
from service.lanes.lane import Lane
from stepwire.inference import model_config_pb2 as pb

_BACKEND, _FILE = "onnxruntime", "model.onnx"
_INT32_MAX = 2**31 - 1


class Limits(NamedTuple):
    """Of one process."""

    max_batch: int
    """Sequences that share a run."""
    max_streams: int
    """Sequences and other streams in memory."""
    sequence_idle: float
    """Seconds that a sequence lives without a request."""


def model_config(lane: Lane, limits: Limits, *, on_host: bool) -> pb.ModelConfig:
    """`on_host`: whether models run on processors, and not on a GPU."""
    config = pb.ModelConfig(
        name=lane.model.name,
        platform=PLATFORM,
        backend=_BACKEND,
        version_policy=pb.ModelVersionPolicy(all=pb.ModelVersionPolicy.All()),
        max_batch_size=_max_batch_size(lane, limits),
        input=map(_input, lane.signature.inputs),
        output=map(_output, lane.signature.outputs),
        instance_group=[_instance_group(lane, on_host)],
        default_model_filename=_FILE,
        parameters={"digest": pb.ModelParameter(string_value=lane.digest)},
        model_transaction_policy=pb.ModelTransactionPolicy(decoupled=False),
    )
    if lane.signature.states:
        config.sequence_batching.CopyFrom(_sequence_batching(limits))
    else:
        config.dynamic_batching.SetInParent()
    return config


def _max_batch_size(lane: Lane, limits: Limits) -> int:
    # Of sequences clients send a row a request, whatever it is; of others, as many as it says.
    return min(limits.max_batch, _INT32_MAX) if lane.signature.states else 1


def _input(spec: TensorSpec) -> pb.ModelInput:
    data_type_, reshape = data_type(spec.dtype), _reshape(spec)
    return pb.ModelInput(name=spec.name, data_type=data_type_, dims=dims(spec), reshape=reshape)


def _output(spec: TensorSpec) -> pb.ModelOutput:
    data_type_, reshape = data_type(spec.dtype), _reshape(spec)
    return pb.ModelOutput(name=spec.name, data_type=data_type_, dims=dims(spec), reshape=reshape)


def _reshape(spec: TensorSpec) -> pb.ModelTensorReshape | None:
    """Where the graph has another shape than clients."""
    return None if dims(spec) == spec.shape else pb.ModelTensorReshape(shape=spec.shape)


def _sequence_batching(limits: Limits) -> pb.ModelSequenceBatching:
    candidates = min(limits.max_streams, _INT32_MAX)
    return pb.ModelSequenceBatching(
        max_sequence_idle_microseconds=round(limits.sequence_idle * 1e6),
        oldest=pb.ModelSequenceBatching.StrategyOldest(max_candidate_sequences=candidates),
    )


def _instance_group(lane: Lane, on_host: bool) -> pb.ModelInstanceGroup:
    kind = pb.ModelInstanceGroup.KIND_CPU if on_host else pb.ModelInstanceGroup.KIND_GPU
    return pb.ModelInstanceGroup(name=f"{lane.model.name}_0", kind=kind, count=1)
