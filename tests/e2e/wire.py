"""A call of the native API, message by message."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import grpc
import numpy as np

from service.core.model import Array
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


class RawFleet:
    def __init__(self, call: grpc.aio.StreamStreamCall[pb.FleetRequest, pb.FleetResponse]) -> None:
        self.call = call
        self.durable: dict[int, int] = {}
        """Before which step each stream is in the store, by handle, as the server has said."""

    async def open(
        self,
        ids: Sequence[str],
        model: str,
        mode: pb.OpenMode.ValueType = pb.OPEN_MODE_CREATE,
    ) -> list[pb.FleetMemberOpened]:
        """In the order of the ids."""
        opens = (pb.Open(model=model, stream_id=id_, token=TOKEN, mode=mode) for id_ in ids)
        members = [pb.FleetMember(tag=tag, open=each) for tag, each in enumerate(opens)]
        await self.call.write(pb.FleetRequest(open=pb.FleetOpen(members=members)))
        found: list[pb.FleetMemberOpened] = []
        while len(found) < len(members):
            found += (await self.hear()).opened.members
        return sorted(found, key=lambda member: member.tag)

    async def send(self, handles: Sequence[int], step: int, inputs: Array) -> None:
        """`inputs`: [streams, *shape], of a model with one input."""
        steps = pb.FleetSteps(
            handles=np.array(handles, "<u4").tobytes(),
            steps=np.full(len(handles), step, "<u8").tobytes(),
            inputs=[inputs.tobytes()],
        )
        await self.call.write(pb.FleetRequest(steps=steps))

    async def step(self, handles: Sequence[int], step: int, inputs: Array) -> dict[int, bytes]:
        """The output of each stream, by handle."""
        await self.send(handles, step, inputs)
        answered: dict[int, bytes] = {}
        while len(answered) < len(handles):
            answer = await self.hear()
            if answer.WhichOneof("event") == "durable":
                continue
            outputs = answer.outputs
            of = _numbers(outputs.handles, "<u4")
            data, size = outputs.outputs[0], len(outputs.outputs[0]) // max(1, len(of))
            assert of, answer
            for row, handle in enumerate(of):
                answered[handle] = data[row * size : (row + 1) * size]
        return answered

    async def hear(self) -> pb.FleetResponse:
        answer = await self.call.read()
        assert isinstance(answer, pb.FleetResponse), (await self.call.code(), self.call)
        told = answer.durable
        handles, steps = _numbers(told.handles, "<u4"), _numbers(told.durable_steps, "<u8")
        self.durable |= zip(handles, steps, strict=True)
        return answer


def _numbers(packed: bytes, dtype: str) -> list[int]:
    found: list[int] = np.frombuffer(packed, dtype).tolist()
    return found


@contextlib.asynccontextmanager
async def raw_fleet(address: str) -> AsyncIterator[RawFleet]:
    async with grpc.aio.insecure_channel(address) as channel:
        stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(channel)
        call = stub.Fleet()
        yield RawFleet(call)
        call.cancel()
