"""The API of the model repository: which versions serve, in every process of the service."""

from __future__ import annotations

from service.api.guard import Guard, check_model
from service.api.orders import Orders
from service.api.unary import Context, told
from service.core.errors import InvalidRequest
from service.core.model import TensorSpec
from service.core.swap import Swap
from service.lanes.lane import Lane
from service.operations.deployment import Deployment
from service.operations.orders import ModelState, Standing
from service.runtime.stepper import Batching
from stepwire.v1 import repository_pb2 as pb
from stepwire.v1 import repository_pb2_grpc as pb_grpc

_STATES = {
    Standing.SERVING: pb.ModelVersion.STATE_SERVING,
    Standing.DRAINING: pb.ModelVersion.STATE_DRAINING,
    Standing.REFUSED: pb.ModelVersion.STATE_REFUSED,
    Standing.NOT_LOADED: pb.ModelVersion.STATE_NOT_LOADED,
}
_BATCHING = {
    Batching.ANY: pb.ModelDescription.BATCHING_ANY,
    Batching.CLOSELY: pb.ModelDescription.BATCHING_ANY,
    Batching.AT_LEAST_TWO: pb.ModelDescription.BATCHING_AT_LEAST_TWO,
    Batching.ONE: pb.ModelDescription.BATCHING_ONE,
}


class ModelRepository(pb_grpc.ModelRepositoryServicer):
    def __init__(self, deployment: Deployment, orders: Orders, guard: Guard, swap: Swap) -> None:
        """`deployment`: of this process. `swap`: what a load does that does not say."""
        self._deployment = deployment
        self._orders = orders
        self._guard = guard
        self._swaps = {
            pb.SWAP_UNSPECIFIED: swap,
            pb.SWAP_DRAIN: Swap.DRAIN,
            pb.SWAP_HANDOVER: Swap.HANDOVER,
        }

    @told
    async def List(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        states = await self._orders.listed(request.model, context)
        return pb.ListModelsResponse(versions=map(_version, states))

    @told
    async def Describe(
        self, request: pb.DescribeModelRequest, context: Context
    ) -> pb.ModelDescription:
        caller = self._guard.caller(context.invocation_metadata())
        check_model(request.model, caller, self._deployment.names())
        return _description(self._deployment.lane(request.model, request.version or None))

    @told
    async def Load(self, request: pb.LoadModelRequest, context: Context) -> pb.LoadModelResponse:
        swap = self._swaps.get(request.swap)
        if swap is None:
            raise InvalidRequest(f"swap {request.swap} is not known here")
        outcome = await self._orders.load(request.model, request.version or None, swap, context)
        (version,) = map(_version, outcome.models)
        return pb.LoadModelResponse(version=version, moved=outcome.moved, notes=outcome.notes)

    @told
    async def Unload(
        self, request: pb.UnloadModelRequest, context: Context
    ) -> pb.UnloadModelResponse:
        outcome = await self._orders.unload(request.model, request.version or None, context)
        return pb.UnloadModelResponse(versions=map(_version, outcome.models))


def _version(state: ModelState) -> pb.ModelVersion:
    return pb.ModelVersion(
        model=state.name,
        version=state.version,
        state=_STATES[state.standing],
        reason=state.reason,
        streams=state.streams,
        digest=state.digest,
    )


def _description(lane: Lane) -> pb.ModelDescription:
    signature = lane.signature
    return pb.ModelDescription(
        model=lane.model.name,
        version=lane.model.version,
        digest=lane.digest,
        inputs=map(_tensor, signature.inputs),
        outputs=map(_tensor, signature.outputs),
        states=(_tensor(state.input) for state in signature.states),
        batching=_BATCHING[lane.batching],
        metadata=lane.metadata,
    )


def _tensor(spec: TensorSpec) -> pb.ModelDescription.Tensor:
    return pb.ModelDescription.Tensor(
        name=spec.name,
        dtype=spec.dtype.name,
        shape=spec.shape,
        batch_axis=spec.batch_axis,
        features=spec.features,
        symbols=spec.symbols,
    )
