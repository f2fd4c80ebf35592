"""A call of the native API, message by message."""

from __future__ import annotations

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
