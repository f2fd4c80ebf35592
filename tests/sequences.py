"""A service of sequences without a wire, and a client of it."""

from __future__ import annotations

import asyncio
from typing import Any

from service.core.directory import Directory
from service.core.errors import ServiceError
from service.core.sequences import sequence_key
from service.core.steps import Answer, Output, StepError
from service.engine import Engine
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.sequences.request import SequenceRequest
from service.sequences.sequences import Sequences
from tests.fakes import MODEL, accumulator_lane, number, value

IDLE = 60.0
"""Seconds."""
PATIENCE = 30.0
"""Seconds, for an answer."""


class Service:
    def __init__(self, limit: int = 8) -> None:
        """Made on the loop whose clock it goes by."""
        self.lanes = Lanes({MODEL: accumulator_lane()}, {})
        self.engine = Engine(
            self.lanes,
            Directory(limit=limit, idle_limit=600.0),
            clock=asyncio.get_running_loop().time,
        )
        self.sequences = Sequences(self.engine, IDLE, 1_000)

    @property
    def now(self) -> float:
        return self.engine.now

    @property
    def streams(self) -> int:
        readings = self.engine.readings()
        return readings.attached + readings.detached


class Client:
    """Sends requests of the accumulator's sequences, and writes down what it hears."""

    def __init__(self, sequences: Sequences) -> None:
        self.sequences = sequences
        self.heard: list[tuple[SequenceRequest, Answer | ServiceError]] = []
        self.gone = False
        self._news = asyncio.Event()

    def read(self, request: SequenceRequest, lane: Lane) -> None:
        request.inputs, request.lane = (request.tag,), lane

    def answered(self, request: SequenceRequest, answer: Answer, lane: Lane) -> None:
        assert lane.model.name == request.model
        self._hear(request, answer)

    def refused(self, request: SequenceRequest, error: ServiceError) -> None:
        self._hear(request, error)

    def _hear(self, request: SequenceRequest, what: Answer | ServiceError) -> None:
        self.heard.append((request, what))
        self._news.set()

    def send(self, id_: int | str, x: float = 1.0, **said: Any) -> SequenceRequest:
        """`said`: other fields of the request."""
        given = {"version": None, "tag": number(x), "received": 0.0, **said}
        request = SequenceRequest(
            sequence_key("", MODEL.name, id_), MODEL.name, asker=self, **given
        )
        self.sequences.take(request)
        return request

    async def told(self, request: SequenceRequest) -> Answer | ServiceError:
        async with asyncio.timeout(PATIENCE):
            while True:
                for asked, what in self.heard:
                    if asked is request:
                        return what
                self._news.clear()
                await self._news.wait()

    async def add(self, id_: int | str, x: float = 1.0, **said: Any) -> float:
        """The sum of the sequence."""
        output = await self.told(self.send(id_, x, **said))
        assert isinstance(output, Output), output
        return value(output.outputs[0])

    async def refusal(self, id_: int | str, x: float = 1.0, **said: Any) -> str:
        """Why the request is not answered."""
        what = await self.told(self.send(id_, x, **said))
        assert isinstance(what, ServiceError | StepError), what
        return what.message if isinstance(what, StepError) else str(what)
