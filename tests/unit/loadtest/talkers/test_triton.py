"""Sequences in Triton's protocol, as a server of that protocol has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import grpc
import pytest

from loadtest.inputs import Timesteps
from loadtest.schedule import Arrival
from loadtest.talkers.connection import Connection
from loadtest.talkers.line import Lines
from loadtest.talkers.talker import Answer
from loadtest.talkers.triton import Described, Triton, describe, kind
from stepwire.errors import InvalidRequest, StepwireError
from stepwire.inference import inference_pb2 as pb
from stepwire.inference import inference_pb2_grpc as pb_grpc
from tests.loads import load
from tests.unit.loadtest.talkers.ears import FIRST, SECOND, THIRD, Ears


def described(datatype: str = "FP32") -> pb.ModelMetadataResponse:
    tensor = pb.ModelMetadataResponse.TensorMetadata
    return pb.ModelMetadataResponse(
        name="accumulator",
        versions=["1", "3"],
        inputs=[tensor(name="x", datatype=datatype, shape=[-1, 2])],
    )


class Sequences(pb_grpc.GRPCInferenceServiceServicer):
    """Answers every request, but the second with an error."""

    def __init__(self, *ready: bool | grpc.StatusCode) -> None:
        """`ready`: what it says at first of whether the model is, or how it fails to say."""
        self.requests: list[pb.ModelInferRequest] = []
        self.ready = list(ready)
        self.cut = asyncio.Event()
        """Set: calls are broken."""

    async def ModelReady(  # noqa: N802  # the RPC's name
        self,
        request: pb.ModelReadyRequest,
        context: grpc.aio.ServicerContext[pb.ModelReadyRequest, pb.ModelReadyResponse],
    ) -> pb.ModelReadyResponse:
        told = self.ready.pop(0) if self.ready else True
        if isinstance(told, grpc.StatusCode):
            await context.abort(told, "not here")
        assert request.name == "accumulator"
        return pb.ModelReadyResponse(ready=told)

    async def ModelMetadata(  # noqa: N802  # as above
        self,
        request: pb.ModelMetadataRequest,
        context: grpc.aio.ServicerContext[pb.ModelMetadataRequest, pb.ModelMetadataResponse],
    ) -> pb.ModelMetadataResponse:
        if request.name != "accumulator":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such model")
        return described()

    async def ModelStreamInfer(  # noqa: N802  # as above
        self,
        request_iterator: AsyncIterator[pb.ModelInferRequest],
        context: grpc.aio.ServicerContext[pb.ModelInferRequest, pb.ModelStreamInferResponse],
    ) -> AsyncIterator[pb.ModelStreamInferResponse]:
        async for request in request_iterator:
            self.requests.append(request)
            if self.cut.is_set():
                self.cut.clear()
                await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            failed = len(self.requests) == 2
            yield pb.ModelStreamInferResponse(
                error_message="sequence 17 is not here" if failed else "",
                infer_response=pb.ModelInferResponse(id=request.id),
            )

    def _nothing(self, request: object, context: object) -> NoReturn:
        raise AssertionError("the load asks for no such thing")

    ServerLive = ServerReady = ServerMetadata = ModelInfer = _nothing
    ModelConfig = ModelStatistics = _nothing
    RepositoryIndex = RepositoryModelLoad = RepositoryModelUnload = _nothing

    @property
    def flags(self) -> list[tuple[bool, bool]]:
        """Of each request: whether it starts and whether it ends its sequence."""
        return [
            (
                request.parameters["sequence_start"].bool_param,
                request.parameters["sequence_end"].bool_param,
            )
            for request in self.requests
        ]


@asynccontextmanager
async def connected(service: Sequences) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(service, server)
    port = server.add_insecure_port("localhost:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)


async def lines(channel: grpc.aio.Channel, ears: Ears, streams: int = 1) -> Lines:
    asked = load(model="accumulator", protocol="triton")
    connection = Connection(channel, (), asked, Timesteps(seed=0))
    known = await describe(connection)
    return Lines(range(streams), lambda stream: Triton(connection, known, stream), ears)


async def test_a_sequence_starts_with_its_first_step_and_ends_with_one_more() -> None:
    service, ears = Sequences(), Ears()
    async with connected(service) as channel:
        talker = await lines(channel, ears)
        served = await talker.open()
        talker.due(FIRST)
        await ears.until(1)
        await talker.close()
    assert (served.model, served.version) == ("accumulator", 3)
    assert served.inputs == ("x: float32[1, 2]",)
    assert service.flags == [(True, False), (False, True)]
    (one, other) = service.requests
    assert one.parameters["sequence_id"] == other.parameters["sequence_id"]
    assert one.parameters["sequence_id"].int64_param > 0
    assert list(one.inputs[0].shape) == [1, 2] and len(one.raw_input_contents[0]) == 8


async def test_after_an_error_the_sequence_starts_again() -> None:
    service, ears = Sequences(), Ears()
    async with connected(service) as channel:
        talker = await lines(channel, ears)
        await talker.open()
        for count, arrival in enumerate((FIRST, SECOND, THIRD), 1):
            talker.due(arrival)
            await ears.until(count)
        await talker.close()
    assert [answer for _, answer in ears.told] == [
        Answer(),
        Answer(error="sequence # is not here"),
        Answer(),
    ]
    assert service.flags == [(True, False), (False, False), (True, False), (False, True)]


async def test_every_stream_is_a_sequence_of_its_own() -> None:
    service, ears = Sequences(), Ears()
    async with connected(service) as channel:
        talker = await lines(channel, ears, streams=3)
        await talker.open()
        for stream in range(3):
            talker.due(Arrival(0.0, stream, 1.0))
        await ears.until(3)
        await talker.close()
    ids = {request.parameters["sequence_id"].int64_param for request in service.requests}
    assert len(ids) == 3


async def test_a_model_that_is_not_there_is_told() -> None:
    async with connected(Sequences()) as channel:
        with pytest.raises(StepwireError, match="no such model"):
            await describe(Connection(channel, (), load(model="other"), Timesteps(seed=0)))


async def test_a_model_that_is_not_ready_is_told() -> None:
    async with connected(Sequences(False)) as channel:
        talker = await lines(channel, Ears())
        with pytest.raises(ExceptionGroup) as refused:
            await talker.open()
        await talker.close()
    assert str(refused.value.exceptions[0]) == "accumulator is not ready"


async def test_what_waits_is_not_sent_before_the_server_is_there_again() -> None:
    unavailable = grpc.StatusCode.UNAVAILABLE
    service, ears = Sequences(True, unavailable, False, unavailable), Ears()
    async with connected(service) as channel:
        talker = await lines(channel, ears)
        await talker.open()
        service.cut.set()
        talker.due(FIRST)
        await ears.until(1)
        for arrival in (SECOND, THIRD):
            talker.due(arrival)
        await ears.until(3)
        await talker.close()
    assert service.ready == []
    assert ears.told[0] == (FIRST, Answer(error="Unavailable", lost=True))
    assert [arrival for arrival, answer in ears.told[1:] if not answer.lost] == [SECOND, THIRD]


def test_inputs_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="input x is BYTES, not a number"):
        Described(described("BYTES"))


def test_messages_that_differ_in_numbers_alone_are_of_one_kind() -> None:
    assert kind("stream 12 at 3.5: gone") == kind("stream 999 at 4.0: gone")
    assert len(kind("x" * 1000)) == 80
