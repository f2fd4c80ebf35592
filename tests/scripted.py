"""A server that plays a scene for each call it gets, for what no real one does on demand."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NoReturn

import grpc
import numpy as np

from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc

WINDOW = 4
SIGNATURE = pb.Signature(
    inputs=[pb.TensorSpec(name="x", dtype="float32", shape=[1])],
    outputs=[pb.TensorSpec(name="y", dtype="float32", shape=[1])],
)
TWO_STEPS = 2 * (128 + 64 + 4)
"""Bytes that a client takes to keep two timesteps of it."""


class Scene:
    """One call, as the server has it."""

    def __init__(
        self, context: grpc.aio.ServicerContext[pb.StreamRequest, pb.StreamResponse]
    ) -> None:
        self._context = context
        self.metadata = dict(context.invocation_metadata() or ())
        self.asked = pb.Open()

    async def hear(self) -> pb.StreamRequest:
        message = await self._context.read()
        assert isinstance(message, pb.StreamRequest), "the client has hung up"
        return message

    async def opened(self, next_step: int = 0, **said: bool | int) -> None:
        """Hears what is asked for, and says that the stream is open."""
        self.asked = (await self.hear()).open
        opened = pb.Opened(
            stream_id=self.asked.stream_id, window=WINDOW, signature=SIGNATURE, next_step=next_step
        )
        for name, value in {"version": 1, "exact": True, **said}.items():
            setattr(opened, name, value)
        await self._context.write(pb.StreamResponse(opened=opened))

    async def step(self) -> pb.Step:
        return (await self.hear()).step

    async def answer(self, step: pb.Step, total: float = 0.0, durable_step: int = 0) -> None:
        output = pb.Output(
            step=step.step,
            outputs=[np.float32(total).tobytes()],
            verdict=step.verdict or pb.VERDICT_ON_TIME,
            durable_step=durable_step,
        )
        await self._context.write(pb.StreamResponse(output=output))

    async def durable(self, step: int) -> None:
        await self._context.write(pb.StreamResponse(durable=pb.Durable(durable_step=step)))

    async def error(self, step: pb.Step, code: pb.StepError.Code.ValueType) -> None:
        error = pb.StepError(step=step.step, code=code, message="no", next_step=step.step)
        await self._context.write(pb.StreamResponse(error=error))

    async def refuse(self, name: str, message: str, code: grpc.StatusCode) -> NoReturn:
        """Ends the call as the service does."""
        await self._context.abort(code, message, (("stepwire-error", name),))

    async def vanish(self) -> NoReturn:
        """Ends the call as a process that is killed."""
        await self._context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    async def until_closed(self) -> None:
        while isinstance(await self._context.read(), pb.StreamRequest):
            pass


Play = Callable[[Scene], Awaitable[None]]


class _Playing(pb_grpc.StreamInferenceServicer):
    def __init__(self, scenes: list[Play], afterwards: Play | None) -> None:
        self._scenes = scenes
        self._afterwards = afterwards

    # The generated type knows generators only; grpc.aio also takes a coroutine.
    async def Stream(  # type: ignore[override]  # noqa: N802  # the RPC's name
        self,
        request_iterator: AsyncIterator[pb.StreamRequest],
        context: grpc.aio.ServicerContext[pb.StreamRequest, pb.StreamResponse],
    ) -> None:
        play = self._scenes.pop(0) if self._scenes else self._afterwards
        assert play, "the client calls once more than it should"
        await play(Scene(context))

    def Fleet(self, request_iterator: object, context: object) -> NoReturn:  # noqa: N802
        raise AssertionError("no fleet is played")


@contextlib.asynccontextmanager
async def playing(
    *scenes: Play,
    afterwards: Play | None = None,
    secured: grpc.ServerCredentials | None = None,
) -> AsyncIterator[str]:
    """The address of a server that plays `scenes`, all of which must have been played.

    `afterwards` is for every call after these.
    """
    server = grpc.aio.server()
    waiting = list(scenes)
    pb_grpc.add_StreamInferenceServicer_to_server(_Playing(waiting, afterwards), server)
    if secured:
        port = server.add_secure_port("localhost:0", secured)
    else:
        port = server.add_insecure_port("localhost:0")
    await server.start()
    try:
        yield f"localhost:{port}"
    finally:
        await server.stop(None)
    assert not waiting, f"{len(waiting)} scenes were not played"
