"""A fleet call without gRPC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from service.api.guard import Guard
from service.api.native.fleet import FleetCall
from service.api.native.fleet_messages import serialized
from service.core.blocks import BlockOutputs
from service.core.directory import Directory
from service.core.streams import ModelKey
from service.engine import Engine
from service.lanes.lanes import Lanes
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import MODEL, TOKEN, accumulator_lane
from tests.talking import Talking

OTHER = ModelKey("other", 1)
MAX_BATCH = 8


class Talk(Talking):
    """A client of one fleet call."""

    def __init__(
        self,
        engine: Engine,
        guard: Guard | None = None,
        credential: str = "",
        *,
        direct: bool = False,
    ) -> None:
        super().__init__(direct=direct, credential=credential)
        self.heard: list[pb.FleetResponse] = []
        context: Any = self
        self.call = FleetCall(engine, guard or Guard(), context)
        self.serve(self.call.serve)

    def heard_of(self, message: pb.FleetResponse | bytes) -> None:
        self.heard.append(pb.FleetResponse.FromString(serialized(message)))

    def say(self, **event: Any) -> None:
        self.send(pb.FleetRequest(**event))

    async def open(
        self,
        *ids: str,
        model: str = MODEL.name,
        mode: pb.OpenMode.ValueType = pb.OPEN_MODE_CREATE,
        **options: Any,
    ) -> list[pb.FleetMemberOpened]:
        """Opens streams together; returns the answers in the same order."""
        before = len(self.heard)
        opens = [
            pb.FleetMember(
                tag=tag,
                open=pb.Open(model=model, stream_id=id_, token=TOKEN, mode=mode, **options),
            )
            for tag, id_ in enumerate(ids)
        ]
        self.say(open=pb.FleetOpen(members=opens))
        await self.turns()
        members = [member for answer in self.heard[before:] for member in answer.opened.members]
        return sorted(members, key=lambda member: member.tag)

    def step(
        self, handles: Sequence[int], steps: Sequence[int], values: Sequence[float], **more: bytes
    ) -> None:
        """Of accumulators."""
        self.say(
            steps=pb.FleetSteps(
                handles=np.array(handles, "<u4").tobytes(),
                steps=np.array(steps, "<u8").tobytes(),
                inputs=[np.array(values, "<f4").tobytes()],
                **more,
            )
        )

    @contextmanager
    def unanswered(self) -> Iterator[list[BlockOutputs]]:
        """What the engine answers meanwhile, which the call is not given."""
        held: list[BlockOutputs] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.call, "answer", held.append)
            yield held

    def outputs(self, handle: int) -> list[tuple[int, float]]:
        """The steps and totals that the stream was answered."""
        found = []
        for message in self._of_kind("outputs"):
            outputs = message.outputs
            columns = (
                np.frombuffer(outputs.handles, "<u4").tolist(),
                np.frombuffer(outputs.steps, "<u8").tolist(),
                np.frombuffer(outputs.outputs[0], "<f4").tolist(),
            )
            rows = zip(*columns, strict=True)
            found += [(step, total) for of, step, total in rows if of == handle]
        return found

    def errors(self, handle: int) -> list[pb.StepError]:
        return [
            each.error
            for message in self._of_kind("errors")
            for each in message.errors.errors
            if each.handle == handle
        ]

    def left(self) -> list[tuple[int, str]]:
        """Handles, and why; "" where the client asked for it."""
        return [
            (message.left.handle, message.left.refused.error) for message in self._of_kind("left")
        ]

    def _of_kind(self, kind: str) -> list[pb.FleetResponse]:
        return [message for message in self.heard if message.WhichOneof("event") == kind]


def two_models() -> Engine:
    """Of accumulators, both of them."""
    lanes = {key: accumulator_lane(model=key, max_batch=MAX_BATCH) for key in (MODEL, OTHER)}
    return Engine(Lanes(lanes, {}), Directory(limit=40, idle_limit=600.0))


async def fleet(engine: Engine, size: int, direct: bool) -> tuple[Talk, list[int]]:
    """A call with so many accumulators, and their handles."""
    talk = Talk(engine, direct=direct)
    members = await talk.open(*(f"s{index}" for index in range(size)))
    return talk, [member.handle for member in members]
