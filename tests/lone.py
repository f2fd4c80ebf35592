"""A call of one stream without gRPC."""

from __future__ import annotations

from typing import Any

from service.api.guard import Guard
from service.api.native.stream import StreamCall
from service.core.errors import StepFault
from service.core.steps import StepError
from service.engine import Engine
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import MODEL, TOKEN, number, value
from tests.talking import Talking


class Talk(Talking):
    """A client of one call."""

    def __init__(self, engine: Engine, *, direct: bool) -> None:
        super().__init__(direct=direct)
        self.heard: list[pb.StreamResponse] = []
        context: Any = self
        self.call = StreamCall(engine, Guard(), context)
        self.serve(self.call.serve)

    def heard_of(self, message: pb.StreamResponse) -> None:
        self.heard.append(message)

    def open(self, **options: Any) -> None:
        asked = pb.Open(model=MODEL.name, stream_id="robot", token=TOKEN, **options)
        self.send(pb.StreamRequest(open=asked))

    def step(self, step: int, x: float) -> None:
        self.send(pb.StreamRequest(step=pb.Step(step=step, inputs=[number(x)])))

    def close(self) -> None:
        self.send(pb.StreamRequest(close=pb.Close()))

    @property
    def events(self) -> list[str]:
        return [str(message.WhichOneof("event")) for message in self.heard]

    @property
    def outputs(self) -> list[tuple[int, float]]:
        found = (message.output for message in self.heard if message.HasField("output"))
        return [(output.step, value(output.outputs[0])) for output in found]


async def opened(engine: Engine, direct: bool, **options: Any) -> Talk:
    talk = Talk(engine, direct=direct)
    talk.open(**options)
    await talk.turns()
    assert talk.events == ["opened"]
    return talk


def refusal(step: int) -> StepError:
    return StepError(step, StepFault.STEP_GAP, "no", 0)
