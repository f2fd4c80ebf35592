"""The services of a process, as a server of either transport takes them."""

from __future__ import annotations

from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from service.api.guard import Guard
from service.api.inference.config import Limits
from service.api.inference.servicer import InferenceService
from service.api.native.fleet_messages import serialized
from service.api.native.servicer import StreamInference
from service.api.orders import Orders
from service.api.repository import ModelRepository
from service.api.state import StreamState
from service.operations.process import Process
from service.sequences.sequences import Sequences
from service.settings import Settings
from stepwire.inference import inference_pb2, inference_pb2_grpc
from stepwire.v1 import (
    repository_pb2,
    repository_pb2_grpc,
    state_pb2,
    state_pb2_grpc,
    stream_pb2,
    stream_pb2_grpc,
)

NATIVE = stream_pb2.DESCRIPTOR.services_by_name["StreamInference"].full_name
STATE = state_pb2.DESCRIPTOR.services_by_name["StreamState"].full_name
REPOSITORY = repository_pb2.DESCRIPTOR.services_by_name["ModelRepository"].full_name
INFERENCE = inference_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name
TRACED = (NATIVE, STATE, REPOSITORY, INFERENCE)
_OTHERS = (health.SERVICE_NAME, reflection.SERVICE_NAME)


class Services:
    def __init__(self, settings: Settings, process: Process, guard: Guard) -> None:
        swap = settings.swap
        orders = Orders(process.deployment, process.fan_out, guard)
        sequences = Sequences(process.engine, settings.sequence_idle, settings.max_streams)
        self.checks = health.aio.HealthServicer()
        self._native = StreamInference(process.engine, guard)
        self._state = StreamState(process.engine.states, guard)
        self._repository = ModelRepository(process.deployment, orders, guard, swap)
        self._inference = InferenceService(
            process, sequences, orders, guard, _limits(settings), swap
        )

    def add_to(self, server: Any) -> None:
        """`server`: one that generated code adds handlers to."""
        server.add_generic_rpc_handlers(_in_bytes(self._native, self._inference))
        stream_pb2_grpc.add_StreamInferenceServicer_to_server(self._native, server)
        state_pb2_grpc.add_StreamStateServicer_to_server(self._state, server)
        repository_pb2_grpc.add_ModelRepositoryServicer_to_server(self._repository, server)
        inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self._inference, server)
        health_pb2_grpc.add_HealthServicer_to_server(self.checks, server)
        reflected = reflection.aio.ReflectionServicer((*TRACED, *_OTHERS))
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflected, server)


def _limits(settings: Settings) -> Limits:
    return Limits(settings.max_batch, settings.max_streams, settings.sequence_idle)


def _in_bytes(
    native: StreamInference, inference: InferenceService
) -> tuple[grpc.GenericRpcHandler, grpc.GenericRpcHandler]:
    """Go before the generated handlers, which would parse what is read in bytes and serialise
    what is in bytes already.
    """
    stream: grpc.RpcMethodHandler[bytes, stream_pb2.StreamResponse]
    stream = grpc.stream_stream_rpc_method_handler(
        native.Stream, response_serializer=stream_pb2.StreamResponse.SerializeToString
    )
    fleet: grpc.RpcMethodHandler[bytes, stream_pb2.FleetResponse | bytes]
    fleet = grpc.stream_stream_rpc_method_handler(native.Fleet, response_serializer=serialized)
    infer: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(
        inference.ModelStreamInfer
    )
    return (
        grpc.method_handlers_generic_handler(NATIVE, {"Stream": stream, "Fleet": fleet}),
        grpc.method_handlers_generic_handler(INFERENCE, {"ModelStreamInfer": infer}),
    )
