"""The methods of `inference.GRPCInferenceService`: each converts, calls, converts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from service.access.credentials import Credential
from service.api.guard import Guard, check_model
from service.api.inference.calls import InferCall, StreamContext, StreamInferCall
from service.api.inference.config import Limits, model_config
from service.api.inference.index import check_order, check_repository, index
from service.api.inference.metadata import model_metadata, server_metadata
from service.api.inference.statistics import model_statistics
from service.api.inference.versions import number
from service.api.orders import Orders
from service.api.unary import Context, told
from service.core.counts import LaneReading
from service.core.swap import Swap
from service.lanes.lane import Lane
from service.operations.process import Process
from service.operations.readiness import Phase
from service.sequences.sequences import Sequences
from stepwire.inference import inference_pb2 as pb
from stepwire.inference import inference_pb2_grpc as pb_grpc

_Named = pb.ModelMetadataRequest | pb.ModelConfigRequest


class InferenceService(pb_grpc.GRPCInferenceServiceServicer):
    def __init__(
        self,
        process: Process,
        sequences: Sequences,
        orders: Orders,
        guard: Guard,
        limits: Limits,
        swap: Swap,
    ) -> None:
        """`swap`: what a load does to the streams of older versions."""
        self._process = process
        self._sequences = sequences
        self._deployment = process.deployment
        self._orders = orders
        self._guard = guard
        self._limits = limits
        self._swap = swap

    async def ServerLive(
        self, request: pb.ServerLiveRequest, context: Context
    ) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(
        self, request: pb.ServerReadyRequest, context: Context
    ) -> pb.ServerReadyResponse:
        return pb.ServerReadyResponse(ready=self._process.phase is Phase.SERVING)

    @told
    async def ModelReady(
        self, request: pb.ModelReadyRequest, context: Context
    ) -> pb.ModelReadyResponse:
        version, caller = number(request.version), self._caller(context)
        ready = self._deployment.versions(request.name) if caller.covers(request.name) else []
        return pb.ModelReadyResponse(ready=version in ready if version else bool(ready))

    async def ServerMetadata(
        self, request: pb.ServerMetadataRequest, context: Context
    ) -> pb.ServerMetadataResponse:
        return server_metadata()

    @told
    async def ModelMetadata(
        self, request: pb.ModelMetadataRequest, context: Context
    ) -> pb.ModelMetadataResponse:
        lane = self._lane(request, context)
        named = [lane.model.version] if request.version else None
        return model_metadata(lane, named or self._deployment.versions(request.name))

    @told
    async def ModelConfig(
        self, request: pb.ModelConfigRequest, context: Context
    ) -> pb.ModelConfigResponse:
        lane, on_host = self._lane(request, context), self._process.place.device.is_host
        return pb.ModelConfigResponse(config=model_config(lane, self._limits, on_host=on_host))

    @told
    async def ModelStatistics(
        self, request: pb.ModelStatisticsRequest, context: Context
    ) -> pb.ModelStatisticsResponse:
        epoch = time.time() - self._process.engine.now
        readings = self._readings(request, self._caller(context))
        return pb.ModelStatisticsResponse(
            model_stats=[model_statistics(each, epoch) for each in readings]
        )

    @told
    async def RepositoryIndex(
        self, request: pb.RepositoryIndexRequest, context: Context
    ) -> pb.RepositoryIndexResponse:
        check_repository(request)
        return index(await self._orders.listed("", context), request.ready)

    @told
    async def RepositoryModelLoad(
        self, request: pb.RepositoryModelLoadRequest, context: Context
    ) -> pb.RepositoryModelLoadResponse:
        check_order(request)
        await self._orders.load(request.model_name, None, self._swap, context)
        return pb.RepositoryModelLoadResponse()

    @told
    async def RepositoryModelUnload(
        self, request: pb.RepositoryModelUnloadRequest, context: Context
    ) -> pb.RepositoryModelUnloadResponse:
        check_order(request)
        await self._orders.unload(request.model_name, None, context)
        return pb.RepositoryModelUnloadResponse()

    @told
    async def ModelInfer(
        self, request: pb.ModelInferRequest, context: Context
    ) -> pb.ModelInferResponse:
        call = InferCall(self._process.engine, self._sequences, self._caller(context))
        return await call.serve(request, context)

    # The generated type knows generators of messages only; grpc.aio also takes a coroutine that
    # reads and writes through its context.
    async def ModelStreamInfer(  # type: ignore[override]
        self, request_iterator: AsyncIterator[bytes], context: StreamContext
    ) -> None:
        engine = self._process.engine
        await StreamInferCall(engine, self._sequences, self._guard, context).serve()

    def _caller(self, context: Context) -> Credential:
        return self._guard.caller(context.invocation_metadata())

    def _lane(self, request: _Named, context: Context) -> Lane:
        """Raises InvalidRequest or ModelNotFound."""
        version = number(request.version)
        check_model(request.name, self._caller(context), self._deployment.names())
        return self._deployment.lane(request.name, version)

    def _readings(
        self, request: pb.ModelStatisticsRequest, caller: Credential
    ) -> list[LaneReading]:
        """Of the versions asked for, by name and number. Raises InvalidRequest or ModelNotFound."""
        version = number(request.version)
        found = [
            lane
            for lane in self._process.engine.readings().lanes
            if request.name in ("", lane.model.name)
            and version in (None, lane.model.version)
            and caller.covers(lane.model.name)
        ]
        if request.name and not found:
            check_model(request.name, caller, self._deployment.names())
            self._deployment.lane(request.name, version)
        return sorted(found, key=lambda lane: lane.model)
