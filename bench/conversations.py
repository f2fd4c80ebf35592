"""What the load says to each server."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench import echo
from bench.load import Conversation
from bench.package import Network
from stepwire.v1 import stream_pb2 as pb

METHOD = "/stepwire.v1.StreamInference/Stream"
_DURABLE = pb.StreamResponse(durable=pb.Durable()).SerializeToString()[:1]


def with_service(network: Network, *, steps: int) -> Conversation:
    """Streams of a model, of at most `steps` timesteps each."""
    inputs = np.random.default_rng(0).standard_normal((steps, network.features)).astype("<f4")
    return Conversation(
        method=METHOD,
        opening=pb.StreamRequest(open=pb.Open(model=network.name)).SerializeToString(),
        steps=[
            pb.StreamRequest(step=pb.Step(step=step, inputs=[row.tobytes()])).SerializeToString()
            for step, row in enumerate(inputs)
        ],
        closing=pb.StreamRequest(close=pb.Close()).SerializeToString(),
        accepts=_is_output,
        aside=_DURABLE,
        batch_size=_batch_size,
    )


def with_echo(conversation: Conversation) -> Conversation:
    """The same messages, sent to the floor of the transport."""
    return replace(
        conversation,
        method=f"/{echo.SERVICE}/{echo.METHOD}",
        accepts=lambda _, answer: True,
        aside=None,
        batch_size=None,
    )


def answer_bytes(network: Network) -> int:
    """The size of a service's answer."""
    output = pb.Output(
        step=1000,
        outputs=[bytes(network.output_bytes)],
        verdict=pb.VERDICT_ON_TIME,
        batch_size=16,
        queue_us=100,
        compute_us=100,
    )
    return pb.StreamResponse(output=output).ByteSize()


def _is_output(timestep: int, answer: bytes) -> bool:
    response = pb.StreamResponse.FromString(answer)
    return response.WhichOneof("event") == "output" and response.output.step == timestep


def _batch_size(answer: bytes) -> int:
    return pb.StreamResponse.FromString(answer).output.batch_size
