"""The floors of Triton's protocol: a bare `grpc.aio` server that answers every request at once.

`python -m bench.triton_echo NAME FEATURES HIDDEN [FILE]` listens on a free port of the loopback
and says which. Requests are parsed, answers are made anew, as whoever serves the protocol has to.
With a FILE it also runs that model for each request by itself, and numbers, checks and keeps
nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import uvloop

from bench.echo import serve
from bench.stepper import Stepper
from stepwire.inference import inference_pb2 as pb
from stepwire.inference import inference_pb2_grpc as pb_grpc
from stepwire.inference import model_config_pb2 as config

_MAX_BATCH = 256
_VERSION = "1"
_Context = grpc.aio.ServicerContext[pb.ModelInferRequest, pb.ModelStreamInferResponse]


class Echo(pb_grpc.GRPCInferenceServiceServicer):
    """What `perf_analyzer` asks before it sends, and an answer to all it sends: zeros, or what the
    model gives, whose state is the same for all sequences.
    """

    def __init__(self, name: str, features: int, hidden: int, model: Path | None = None) -> None:
        self._name, self._features, self._hidden = name, features, hidden
        self._zeros = bytes(4 * hidden)
        self._stepper = Stepper(model) if model else None
        self._asked = itertools.count(1)

    async def ModelStreamInfer(  # type: ignore[override]  # a coroutine, not a generator
        self, _: AsyncIterator[pb.ModelInferRequest], context: _Context
    ) -> None:
        while isinstance(request := await context.read(), pb.ModelInferRequest):
            await context.write(self._reply(request))

    def _reply(self, request: pb.ModelInferRequest) -> pb.ModelStreamInferResponse:
        reply = pb.ModelStreamInferResponse()
        answer = reply.infer_response
        answer.model_name, answer.model_version = request.model_name, _VERSION
        answer.id = request.id
        answer.outputs.add(name="y", datatype="FP32", shape=(1, self._hidden))
        answer.raw_output_contents.append(self._output(request.raw_input_contents[0]))
        return reply

    def _output(self, data: bytes) -> bytes:
        if self._stepper is None:
            return self._zeros
        self._stepper.take(data)
        return self._stepper.step().tobytes()

    async def ServerMetadata(self, *_: object) -> pb.ServerMetadataResponse:
        return pb.ServerMetadataResponse(name="echo", extensions=["sequence", "statistics"])

    async def ModelReady(self, *_: object) -> pb.ModelReadyResponse:
        return pb.ModelReadyResponse(ready=True)

    async def ModelMetadata(self, *_: object) -> pb.ModelMetadataResponse:
        metadata = pb.ModelMetadataResponse(name=self._name, versions=[_VERSION])
        metadata.inputs.add(name="x", datatype="FP32", shape=(-1, self._features))
        metadata.outputs.add(name="y", datatype="FP32", shape=(-1, self._hidden))
        return metadata

    async def ModelConfig(self, *_: object) -> pb.ModelConfigResponse:
        model = config.ModelConfig(name=self._name, max_batch_size=_MAX_BATCH)
        model.sequence_batching.SetInParent()
        model.input.add(name="x", data_type=config.TYPE_FP32, dims=[self._features])
        model.output.add(name="y", data_type=config.TYPE_FP32, dims=[self._hidden])
        return pb.ModelConfigResponse(config=model)

    async def ModelStatistics(self, *_: object) -> pb.ModelStatisticsResponse:
        """Growing, as `perf_analyzer` wants them."""
        count = 1000 * next(self._asked)
        model = pb.ModelStatistics(
            name=self._name, version=_VERSION, inference_count=count, execution_count=count
        )
        for each in (model.inference_stats.success, model.inference_stats.queue):
            each.count = count
        return pb.ModelStatisticsResponse(model_stats=[model])


def main() -> None:
    name, features, hidden, *model = sys.argv[1:]
    echo = Echo(  # type: ignore[abstract]  # no more is asked
        name, int(features), int(hidden), *map(Path, model)
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(
            serve(lambda server: pb_grpc.add_GRPCInferenceServiceServicer_to_server(echo, server))
        )


if __name__ == "__main__":
    main()
