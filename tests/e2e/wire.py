"""A call of the native API, message by message."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import numpy as np

from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc

TOKEN = bytes(range(16))


class RawCall:
    def __init__(
        self, call: grpc.aio.StreamStreamCall[pb.StreamRequest, pb.StreamResponse]
    ) -> None:
        self.call = call

    async def send(self, **event: pb.Open | pb.Step | pb.Close) -> None:
        await self.call.write(pb.StreamRequest(**event))  # type: ignore[arg-type]

    async def open(
        self,
        stream_id: str,
        model: str = "accumulator",
        mode: pb.OpenMode.ValueType = pb.OPEN_MODE_CREATE,
        late: pb.LatePolicy.ValueType = pb.LATE_POLICY_FLAG,
    ) -> pb.Opened:
        await self.send(
            open=pb.Open(model=model, stream_id=stream_id, mode=mode, token=TOKEN, late_policy=late)
        )
        return (await self.hear()).opened

    async def step(self, number: int, *inputs: bytes) -> pb.StreamResponse:
        await self.send(step=pb.Step(step=number, inputs=inputs))
        return await self.hear()

    async def add(self, number: int, x: float) -> float:
        """Steps an accumulator and returns its total."""
        answer = await self.step(number, np.float32(x).tobytes())
        assert answer.WhichOneof("event") == "output", answer
        return float(np.frombuffer(answer.output.outputs[0], np.float32)[0])

    async def hear(self) -> pb.StreamResponse:
        answer = await self.call.read()
        assert isinstance(answer, pb.StreamResponse), await self.failure()
        return answer

    async def rest(self) -> list[pb.StreamResponse]:
        """What still comes before the call ends."""
        heard = []
        with contextlib.suppress(grpc.aio.AioRpcError):
            while isinstance(message := await self.call.read(), pb.StreamResponse):
                heard.append(message)
        return heard

    async def flood(self, data: bytes) -> tuple[int, asyncio.Task[None]]:
        """Sends steps without reading answers until no more is taken for a second.

        Returns how many were taken, and the one under way: gRPC ends a call whose write is
        cancelled.
        """
        number = 0
        while True:
            step = pb.Step(step=number, inputs=[data])
            writing = asyncio.create_task(self.send(step=step))
            if not (await asyncio.wait([writing], timeout=1.0))[0]:
                return number, writing
            number += 1

    async def failure(self) -> tuple[grpc.StatusCode, str, str]:
        """How the call ended: its status, its details, the name of its error."""
        code = await self.call.code()
        trailers = dict(await self.call.trailing_metadata() or ())
        return code, await self.call.details() or "", str(trailers.get("stepwire-error", ""))


@contextlib.asynccontextmanager
async def raw_call(address: str) -> AsyncIterator[RawCall]:
    async with grpc.aio.insecure_channel(address) as channel:
        stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(channel)
        call = stub.Stream()
        yield RawCall(call)
        call.cancel()
