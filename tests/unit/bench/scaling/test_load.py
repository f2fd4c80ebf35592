"""The load against a scripted server: what it sends, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import grpc
import numpy as np
import pytest

from bench.load import LoadFailed
from bench.scaling.load import Load, put
from bench.scaling.talk import Fleet, Single, Talk
from stepwire.v1 import stream_pb2 as pb

_FEATURES = 3


class _Scripted(grpc.GenericRpcHandler):
    """Answers each step as if four rows had run together, with a note of durability before."""

    def __init__(self) -> None:
        self.steps: list[list[int]] = []
        """Of each call, as they came."""
        self.closed = 0
        self.failing = False

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        talk = self._fleet if str(details.method).endswith("Fleet") else self._single
        return grpc.stream_stream_rpc_method_handler(talk)

    async def _single(
        self, _: Iterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> None:
        steps: list[int] = []
        self.steps.append(steps)
        while isinstance(data := await context.read(), bytes):
            request = pb.StreamRequest.FromString(data)
            event = request.WhichOneof("event")
            if event == "open":
                answer = pb.StreamResponse(opened=pb.Opened())
            elif event == "close":
                self.closed += 1
                return
            else:
                steps.append(request.step.step)
                note = pb.StreamResponse(durable=pb.Durable())
                await context.write(note.SerializeToString())
                answer = pb.StreamResponse(output=pb.Output(batch_size=4))
                if self.failing:
                    answer = pb.StreamResponse(error=pb.StepError(message="no such input"))
            await context.write(answer.SerializeToString())

    async def _fleet(
        self, _: Iterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> None:
        steps: list[int] = []
        self.steps.append(steps)
        while isinstance(data := await context.read(), bytes):
            request = pb.FleetRequest.FromString(data)
            event = request.WhichOneof("event")
            if event == "open":
                for member in request.open.members:
                    opened = pb.FleetMemberOpened(tag=member.tag, handle=7 + member.tag)
                    answer = pb.FleetResponse(opened=pb.FleetOpened(members=[opened]))
                    await context.write(answer.SerializeToString())
            elif event == "leave":
                self.closed += len(request.leave.handles)
                return
            else:
                [step] = set(np.frombuffer(request.steps.steps, "<u8").tolist())
                steps.append(step)
                outputs = pb.FleetOutputs(handles=request.steps.handles, batch_size=10)
                await context.write(pb.FleetResponse(outputs=outputs).SerializeToString())


@asynccontextmanager
async def _serving(scripted: _Scripted) -> AsyncIterator[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((scripted,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def _singles(count: int) -> Sequence[Talk]:
    return [Single("gru", _FEATURES) for _ in range(count)]


@pytest.mark.parametrize("load", [Load(3), Load(3, rate_hz=100.0), Load(3, connections=2)])
async def test_each_stream_steps_in_order_and_is_closed(load: Load) -> None:
    scripted = _Scripted()
    async with _serving(scripted) as address:
        measured = await put(address, _singles(3), load, lambda: 0.0, warm_up=0.1, seconds=0.2)
    assert scripted.closed == 3
    assert len(scripted.steps) == 3
    for steps in scripted.steps:
        assert steps == list(range(len(steps))) and steps
    assert 0 < measured.messages <= sum(map(len, scripted.steps))
    assert measured.batch == 4.0
    assert 0 < measured.p50_us <= measured.p99_us


async def test_what_is_sent_by_the_clock_is_not_more_than_the_clock_says() -> None:
    scripted = _Scripted()
    async with _serving(scripted) as address:
        await put(
            address, _singles(4), Load(4, rate_hz=20.0), lambda: 0.0, warm_up=0.0, seconds=0.2
        )
    # Four periods and the step that the end finds due, of each.
    assert max(map(len, scripted.steps)) <= 6


async def test_a_message_of_a_fleet_steps_each_of_its_streams() -> None:
    scripted = _Scripted()
    fleet: Sequence[Talk] = [Fleet("gru", _FEATURES, 5)]
    async with _serving(scripted) as address:
        measured = await put(address, fleet, Load(1), lambda: 0.0, warm_up=0.0, seconds=0.1)
    [steps] = scripted.steps
    assert steps == list(range(len(steps)))
    assert scripted.closed == 5
    assert measured.batch == 10.0


async def test_an_error_ends_the_round() -> None:
    scripted = _Scripted()
    scripted.failing = True
    async with _serving(scripted) as address:
        with pytest.raises(LoadFailed, match="no such input"):
            await put(address, _singles(1), Load(1), lambda: 0.0, warm_up=0.0, seconds=0.1)
