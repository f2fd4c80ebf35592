"""The API of states: one unary call each, for who is not connected to the stream."""

from __future__ import annotations

import secrets

from service.api.guard import Guard
from service.api.unary import Context, told
from service.core.changes import GivenState, GivenTensor
from service.core.directory import TOKEN_BYTES
from service.core.lifecycle import State
from service.core.streams import Mode, OpenRequest, StreamKey
from service.streams.outside import Named
from service.streams.states import Page, Seen, States
from stepwire.v1 import state_pb2 as pb
from stepwire.v1 import state_pb2_grpc as pb_grpc

_PAGE, _LARGEST_PAGE = 100, 1_000
_PLACES = {
    State.ATTACHED: pb.STREAM_PLACE_ATTACHED,
    State.DETACHED: pb.STREAM_PLACE_DETACHED,
    State.STORED: pb.STREAM_PLACE_STORED,
}


class StreamState(pb_grpc.StreamStateServicer):
    def __init__(self, states: States, guard: Guard) -> None:
        self._states = states
        self._guard = guard

    @told
    async def Get(self, request: pb.GetStateRequest, context: Context) -> pb.GetStateResponse:
        return _seen(await self._states.get(self._named(request, context)))

    @told
    async def Put(self, request: pb.PutStateRequest, context: Context) -> pb.PutStateResponse:
        named = self._named(request, context)
        return pb.PutStateResponse(next_step=await self._states.put(named, _given(request)))

    @told
    async def Reset(
        self, request: pb.ResetStreamRequest, context: Context
    ) -> pb.ResetStreamResponse:
        await self._states.reset(self._named(request, context))
        return pb.ResetStreamResponse()

    @told
    async def Fork(self, request: pb.ForkStreamRequest, context: Context) -> pb.ForkStreamResponse:
        named = self._named(request, context)
        new = _opening(request, named.key.namespace)
        copy = await self._states.fork(named, new)
        return pb.ForkStreamResponse(
            stream_id=new.stream_id,
            token=new.token,
            model=copy.model.name,
            version=copy.model.version,
            next_step=copy.next_step,
        )

    @told
    async def Delete(
        self, request: pb.DeleteStreamRequest, context: Context
    ) -> pb.DeleteStreamResponse:
        await self._states.delete(self._named(request, context))
        return pb.DeleteStreamResponse()

    @told
    async def List(
        self, request: pb.ListStreamsRequest, context: Context
    ) -> pb.ListStreamsResponse:
        caller = self._guard.caller(context.invocation_metadata())
        limit = min(request.limit or _PAGE, _LARGEST_PAGE)
        return _page(await self._states.list(caller.namespace, request.after, limit, caller.covers))

    def _named(
        self,
        request: pb.GetStateRequest
        | pb.PutStateRequest
        | pb.ResetStreamRequest
        | pb.ForkStreamRequest
        | pb.DeleteStreamRequest,
        context: Context,
    ) -> Named:
        """Raises Unauthenticated."""
        caller = self._guard.caller(context.invocation_metadata())
        return Named(StreamKey(caller.namespace, request.stream_id), request.token, caller.covers)


def _given(request: pb.PutStateRequest) -> GivenState:
    return GivenState(
        tuple(
            GivenTensor(tensor.name, tensor.data, tensor.dtype, tuple(tensor.shape))
            for tensor in request.states
        ),
        request.next_step if request.HasField("next_step") else None,
        request.digest,
        request.numerics,
    )


def _opening(request: pb.ForkStreamRequest, namespace: str) -> OpenRequest:
    """Id and token are made here if the client left them out."""
    return OpenRequest(
        request.new_stream_id or secrets.token_hex(8),
        request.new_token or secrets.token_bytes(TOKEN_BYTES),
        Mode.CREATE,
        "",
        namespace=namespace,
    )


def _seen(seen: Seen) -> pb.GetStateResponse:
    return pb.GetStateResponse(
        states=[
            pb.StateTensor(name=spec.name, dtype=spec.dtype.name, shape=spec.shape, data=data)
            for spec, data in seen.states
        ],
        model=seen.model.name,
        version=seen.model.version,
        digest=seen.digest,
        numerics=seen.numerics,
        next_step=seen.next_step,
        durable_step=seen.durable_step,
    )


def _page(page: Page) -> pb.ListStreamsResponse:
    return pb.ListStreamsResponse(
        streams=[
            pb.StreamSummary(
                stream_id=each.id,
                model=each.model.name,
                version=each.model.version,
                next_step=each.next_step,
                place=_PLACES[each.state],
            )
            for each in page.streams
        ],
        after=page.after,
    )
