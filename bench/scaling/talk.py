"""What a call of the load says, and how its answers are read: of one stream, or of a fleet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import grpc
import numpy as np

from bench.load import LoadFailed
from stepwire.v1 import stream_pb2 as pb

Call = grpc.aio.StreamStreamCall[bytes, bytes]

_SERVICE = "/stepwire.v1.StreamInference"
_VARIANTS = 64
"""Inputs that take turns: their values cost nothing, equal ones would be none."""


class Talk(Protocol):
    @property
    def method(self) -> str: ...

    @property
    def entries(self) -> int:
        """Steps in a message."""

    async def open(self, call: Call) -> None:
        """Raises LoadFailed."""

    def message(self, step: int) -> bytes: ...

    def batch(self, answer: bytes) -> int | None:
        """How many rows ran together; None if the message answers no step.

        Raises LoadFailed if it tells of an error.
        """

    def closing(self) -> bytes: ...


class Single:
    """A stream in a call of its own, one step a message."""

    method = f"{_SERVICE}/Stream"
    entries = 1

    def __init__(self, model: str, features: int) -> None:
        self._model = model
        self._inputs = _inputs(1, features)

    async def open(self, call: Call) -> None:
        opening = pb.StreamRequest(open=pb.Open(model=self._model))
        await call.write(opening.SerializeToString())
        await heard(call)

    def message(self, step: int) -> bytes:
        inputs = [self._inputs[step % _VARIANTS]]
        return pb.StreamRequest(step=pb.Step(step=step, inputs=inputs)).SerializeToString()

    def closing(self) -> bytes:
        return pb.StreamRequest(close=pb.Close()).SerializeToString()

    def batch(self, answer: bytes) -> int | None:
        response = pb.StreamResponse.FromString(answer)
        event = response.WhichOneof("event")
        if event == "output":
            return response.output.batch_size
        if event == "durable":
            return None
        raise LoadFailed(f"a step got no output but {response}")


class Fleet:
    """`entries` streams in one call, a step of each in a message."""

    method = f"{_SERVICE}/Fleet"

    def __init__(self, model: str, features: int, entries: int) -> None:
        self.entries = entries
        self._model = model
        self._inputs = _inputs(entries, features)
        self._handles = b""

    async def open(self, call: Call) -> None:
        members = [
            pb.FleetMember(tag=tag, open=pb.Open(model=self._model)) for tag in range(self.entries)
        ]
        await call.write(pb.FleetRequest(open=pb.FleetOpen(members=members)).SerializeToString())
        handles: list[int] = []
        while len(handles) < self.entries:
            opened = pb.FleetResponse.FromString(await heard(call)).opened.members
            if not opened or any(member.HasField("refused") for member in opened):
                raise LoadFailed(f"a fleet of {self.entries} streams was not opened: {opened}")
            handles += [member.handle for member in opened]
        self._handles = np.array(sorted(handles), "<u4").tobytes()

    def closing(self) -> bytes:
        handles = np.frombuffer(self._handles, "<u4").tolist()
        return pb.FleetRequest(leave=pb.FleetLeave(handles=handles, close=True)).SerializeToString()

    def message(self, step: int) -> bytes:
        steps = pb.FleetSteps(
            handles=self._handles,
            steps=np.full(self.entries, step, "<u8").tobytes(),
            inputs=[self._inputs[step % _VARIANTS]],
        )
        return pb.FleetRequest(steps=steps).SerializeToString()

    def batch(self, answer: bytes) -> int | None:
        response = pb.FleetResponse.FromString(answer)
        event = response.WhichOneof("event")
        if event == "outputs" and len(response.outputs.handles) == len(self._handles):
            return response.outputs.batch_size
        if event == "durable":
            return None
        raise LoadFailed(f"a message of {self.entries} streams got {str(response)[:200]}")


async def heard(call: Call) -> bytes:
    """The next message. Raises LoadFailed if the call has ended."""
    message = await call.read()
    if isinstance(message, bytes):
        return message
    raise LoadFailed(f"the server ended a call: {await call.details() or await call.code()}")


def _inputs(rows: int, features: int) -> Sequence[bytes]:
    random = np.random.default_rng(0)
    return [
        random.standard_normal((rows, features)).astype("<f4").tobytes() for _ in range(_VARIANTS)
    ]
