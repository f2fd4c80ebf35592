from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, cast

from service.access.credentials import ANYONE
from service.api.inference.calls import InferCall, StreamInferCall
from service.core.counts import OpenCounts
from service.core.errors import InvalidRequest
from stepwire.inference import inference_pb2 as pb
from tests.fakes import MODEL, number
from tests.sequences import PATIENCE, Client, Service


class Engine:
    counts = OpenCounts()


class Guard:
    def caller(self, _: object) -> object:
        return ANYONE

    def watching(self, *_: object) -> nullcontext[None]:
        return nullcontext()


class Context:
    """Whose client has sent so many requests, and takes nothing until it is told to."""

    def __init__(self, *sent: bytes) -> None:
        self.sent = sent
        self.heard = asyncio.Event()
        self.takes = asyncio.Event()
        self.writing = asyncio.Event()
        self.ended = asyncio.Event()
        self.ids: list[str] = []

    def invocation_metadata(self) -> tuple[()]:
        return ()

    async def attend(self, hear: Callable[[bytes], bool]) -> bool:
        for request in self.sent:
            hear(request)
        self.heard.set()
        await self.ended.wait()
        return False

    def offer(self, message: bytes) -> bool:
        if not self.takes.is_set():
            return False
        self._sent(message)
        return True

    async def write(self, message: bytes) -> None:
        self.writing.set()
        await self.takes.wait()
        self._sent(message)

    def _sent(self, message: bytes) -> None:
        self.ids.append(pb.ModelStreamInferResponse.FromString(message).infer_response.id)


async def test_an_answer_does_not_overtake_one_that_waits_for_its_client() -> None:
    context = Context()
    call = StreamInferCall(
        *cast("tuple[Any, Any, Any]", (Engine(), None, Guard())), cast("Any", context)
    )
    serving = asyncio.create_task(call.serve())
    async with asyncio.timeout(PATIENCE):
        await asyncio.sleep(0)
        call.turn_away(b"first", 1, InvalidRequest("no"))
        await context.writing.wait()
        context.takes.set()
        call.turn_away(b"second", 1, InvalidRequest("no"))
        while len(context.ids) < 2:
            await asyncio.sleep(0)
    assert context.ids == ["first", "second"]
    serving.cancel()
    await asyncio.wait([serving])


SENT = 500
"""Requests, each of which takes turns of the event loop: far more than a cancellation takes."""


def advance(*, start: bool = False) -> pb.ModelInferRequest:
    """A request of sequence 7 that adds 1."""
    message = pb.ModelInferRequest(model_name=MODEL.name)
    message.parameters["sequence_id"].int64_param = 7
    message.parameters["sequence_start"].bool_param = start
    message.inputs.add(name="x", datatype="FP32", shape=(1, 1))
    message.raw_input_contents.append(number(1.0))
    return message


async def cancel(*serving: asyncio.Task[Any]) -> None:
    for task in serving:
        task.cancel()
    await asyncio.wait(serving)
    assert all(task.cancelled() for task in serving)


async def test_of_a_streaming_call_that_is_cancelled_only_what_had_begun_runs() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(7, start=True)
    context = Context(*[advance().SerializeToString()] * SENT)
    call = StreamInferCall(
        service.engine, service.sequences, *cast("tuple[Any, Any]", (Guard(), context))
    )
    serving = asyncio.create_task(call.serve())
    async with asyncio.timeout(PATIENCE):
        await context.heard.wait()
        await cancel(serving)
    assert 2.0 < await client.add(7) < SENT


async def test_of_unary_calls_that_are_cancelled_only_what_had_begun_runs() -> None:
    service = Service()
    client = Client(service.sequences)
    await client.add(7, start=True)
    engine, context = service.engine, cast("Any", Context())
    serving = [
        asyncio.create_task(InferCall(engine, service.sequences, ANYONE).serve(advance(), context))
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await cancel(*serving)
    assert await client.add(7) == 3.0
