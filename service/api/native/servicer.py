"""The service `stepwire.v1.StreamInference`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc

from service.api.guard import Guard
from service.api.native.fleet import FleetCall
from service.api.native.stream import Context, StreamCall
from service.engine import Engine
from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc


class StreamInference(pb_grpc.StreamInferenceServicer):
    def __init__(self, engine: Engine, guard: Guard) -> None:
        self._engine = engine
        self._guard = guard

    # The generated type knows generators of messages only; grpc.aio also takes a coroutine that
    # reads and writes through its context.
    async def Stream(  # type: ignore[override]
        self, request_iterator: AsyncIterator[bytes], context: Context
    ) -> None:
        self._engine.counts.calls["native"] += 1
        try:
            await StreamCall(self._engine, self._guard, context).serve()
        finally:
            self._engine.counts.calls["native"] -= 1

    async def Fleet(  # type: ignore[override]
        self,
        request_iterator: AsyncIterator[bytes],
        context: grpc.aio.ServicerContext[bytes, pb.FleetResponse | bytes],
    ) -> None:
        self._engine.counts.calls["fleet"] += 1
        try:
            await FleetCall(self._engine, self._guard, context).serve()
        finally:
            self._engine.counts.calls["fleet"] -= 1
