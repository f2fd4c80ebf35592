from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any, cast

from service.access.credentials import ANYONE
from service.api.inference.calls import StreamInferCall
from service.core.counts import OpenCounts
from service.core.errors import InvalidRequest
from stepwire.inference import inference_pb2 as pb

PATIENCE = 10.0


class Engine:
    counts = OpenCounts()


class Guard:
    def caller(self, _: object) -> object:
        return ANYONE

    def watching(self, *_: object) -> nullcontext[None]:
        return nullcontext()


class Context:
    """Whose client takes nothing more until it is told to."""

    def __init__(self) -> None:
        self.takes = asyncio.Event()
        self.writing = asyncio.Event()
        self.ended = asyncio.Event()
        self.ids: list[str] = []

    def invocation_metadata(self) -> tuple[()]:
        return ()

    async def attend(self, _: object) -> bool:
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
