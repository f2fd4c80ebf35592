"""The API of the model repository: which versions serve, in every process of the service."""

from __future__ import annotations

from service.access.credentials import Credential
from service.api.errors import abort_by_name
from service.api.guard import Guard, check_model
from service.api.unary import Context, told
from service.core.errors import InvalidRequest, NotAllowed
from service.core.model import TensorSpec
from service.core.swap import Swap
from service.lanes.lane import Lane
from service.operations.deployment import Deployment
from service.operations.orders import Action, FanOut, ModelState, Order, Outcome, Standing
from service.operations.outcomes import combined
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
    Batching.AT_LEAST_TWO: pb.ModelDescription.BATCHING_AT_LEAST_TWO,
    Batching.ONE: pb.ModelDescription.BATCHING_ONE,
}


class ModelRepository(pb_grpc.ModelRepositoryServicer):
    def __init__(self, deployment: Deployment, fan_out: FanOut, guard: Guard, swap: Swap) -> None:
        """`deployment`: of this process. `fan_out` reaches every process. `swap`: what a load
        does that does not say.
        """
        self._deployment = deployment
        self._fan_out = fan_out
        self._guard = guard
        self._swaps = {
            pb.SWAP_UNSPECIFIED: swap,
            pb.SWAP_DRAIN: Swap.DRAIN,
            pb.SWAP_HANDOVER: Swap.HANDOVER,
        }

    @told
    async def List(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        caller = self._caller(context)
        outcome = await self._order(Order(Action.LIST, request.model), context)
        covered = (state for state in outcome.models if caller.covers(state.name))
        return pb.ListModelsResponse(versions=map(_version, covered))

    @told
    async def Describe(
        self, request: pb.DescribeModelRequest, context: Context
    ) -> pb.ModelDescription:
        check_model(request.model, self._caller(context), self._deployment.names())
        return _description(self._deployment.lane(request.model, request.version or None))

    @told
    async def Load(self, request: pb.LoadModelRequest, context: Context) -> pb.LoadModelResponse:
        self._check_operator(context, request.model)
        if request.swap not in self._swaps:
            raise InvalidRequest(f"swap {request.swap} is not known here")
        key = (await self._deployment.find(request.model, request.version or None)).key
        outcome = await self._order(Order(Action.LOAD, *key), context)
        if self._swaps[request.swap] is Swap.HANDOVER:
            # Only what serves in every process may take streams over.
            outcome = await self._order(Order(Action.LOAD, *key, hand_over=True), context)
        (version,) = map(_version, outcome.models)
        return pb.LoadModelResponse(version=version, moved=outcome.moved, notes=outcome.notes)

    @told
    async def Unload(
        self, request: pb.UnloadModelRequest, context: Context
    ) -> pb.UnloadModelResponse:
        self._check_operator(context, request.model)
        order = Order(Action.UNLOAD, request.model, request.version or None)
        outcome = await self._order(order, context)
        return pb.UnloadModelResponse(versions=map(_version, outcome.models))

    def _caller(self, context: Context) -> Credential:
        return self._guard.caller(context.invocation_metadata())

    def _check_operator(self, context: Context, model: str) -> None:
        """Raises NotAllowed, whether or not there is such a model."""
        caller = self._guard.operator(context.invocation_metadata())
        if not caller.covers(model):
            raise NotAllowed(f"the credential of this call does not cover model {model[:140]!r}")

    async def _order(self, order: Order, context: Context) -> Outcome:
        outcome = combined(await self._fan_out(order))
        if outcome.error:
            await abort_by_name(context, outcome.error, outcome.message)
        return outcome


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
