"""The floor of a lone step: a bare `grpc.aio` server that also runs the model, and nothing else.

`python -m bench.inline FILE` listens on a free port of the loopback and says which. It speaks as
much of `Stream` as a stream in order needs: an `opened`, then an `output` for each `step`. It
numbers, checks, keeps and batches nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import uvloop

from bench.conversations import METHOD
from bench.echo import serve
from bench.stepper import Stepper
from stepwire.v1 import stream_pb2 as pb


class Inline(grpc.GenericRpcHandler):
    """Each call is a stream; streams do not run together."""

    def __init__(self, model: Path) -> None:
        self._model = model

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        if details.method != METHOD:
            return None
        return grpc.stream_stream_rpc_method_handler(self._stream)

    # As in the echo: a coroutine.
    async def _stream(
        self, _: Iterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> None:
        stepper = Stepper(self._model)
        while isinstance(data := await context.read(), bytes):
            request = pb.StreamRequest.FromString(data)
            if request.HasField("step"):
                await context.write(_answer(stepper, request.step))
            elif request.HasField("open"):
                await context.write(pb.StreamResponse(opened=pb.Opened()).SerializeToString())


def _answer(stepper: Stepper, step: pb.Step) -> bytes:
    stepper.take(step.inputs[0])
    output = pb.Output(
        step=step.step,
        outputs=[stepper.step().tobytes()],
        verdict=pb.VERDICT_ON_TIME,
        batch_size=1,
    )
    return pb.StreamResponse(output=output).SerializeToString()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        inline = Inline(Path(sys.argv[1]))
        runner.run(serve(lambda server: server.add_generic_rpc_handlers((inline,))))
