"""What the load says to each server."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench import echo
from bench.load import Conversation
from stepwire.v1 import stream_pb2 as pb

_DURABLE = pb.StreamResponse(durable=pb.Durable()).SerializeToString()[:1]
_METHOD = "/stepwire.v1.StreamInference/Stream"


def with_service(model: str, *, features: int, steps: int) -> Conversation:
    """Streams of `model`, of at most `steps` timesteps of float32[features] each."""
    inputs = np.random.default_rng(0).standard_normal((steps, features)).astype("<f4")
    return Conversation(
        method=_METHOD,
        opening=pb.StreamRequest(open=pb.Open(model=model)).SerializeToString(),
        steps=[
            pb.StreamRequest(step=pb.Step(step=step, inputs=[row.tobytes()])).SerializeToString()
            for step, row in enumerate(inputs)
        ],
        closing=pb.StreamRequest(close=pb.Close()).SerializeToString(),
        accepts=_is_output,
        aside=_DURABLE,
    )


def with_echo(conversation: Conversation) -> Conversation:
    """The same messages, sent to the floor."""
    return replace(
        conversation,
        method=f"/{echo.SERVICE}/{echo.METHOD}",
        accepts=lambda _, answer: True,
        aside=None,
    )


def answer_bytes(outputs: int) -> int:
    """The size of a service's answer that carries float32[outputs]."""
    output = pb.Output(
        step=1000,
        outputs=[bytes(4 * outputs)],
        verdict=pb.VERDICT_ON_TIME,
        batch_size=16,
        queue_us=100,
        compute_us=100,
    )
    return pb.StreamResponse(output=output).ByteSize()


def _is_output(timestep: int, answer: bytes) -> bool:
    response = pb.StreamResponse.FromString(answer)
    return response.WhichOneof("event") == "output" and response.output.step == timestep
