"""ModelInfer and ModelStreamInfer: requests of sequences, and their answers."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TypeAlias

import grpc
from google.protobuf.message import DecodeError

from service.access.credentials import Credential
from service.api.bell import Bell
from service.api.errors import abort, abort_by_name
from service.api.guard import Guard
from service.api.inference.conversation import Conversation
from service.api.inference.replies import refusal
from service.api.refusals import Refusals
from service.core.errors import InvalidRequest, ServiceError
from service.core.histogram import Histogram
from service.core.steps import Answer, Output, StepError
from service.core.streams import ModelKey, StreamKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.sequences.request import SequenceRequest
from service.sequences.sequences import Sequences
from service.traces.spans import CURRENT
from stepwire.inference import inference_pb2 as pb

StreamContext = grpc.aio.ServicerContext[bytes, bytes]
UnaryContext = grpc.aio.ServicerContext[pb.ModelInferRequest, pb.ModelInferResponse]

_Told: TypeAlias = tuple[Output, ModelKey, StreamKey]
"""What the span of a call is told of a timestep that ran."""

_UNANSWERED = 1024
"""Requests of a call that may wait for their answers before it is read no further."""


class StreamInferCall:
    """One streaming call: a task reads requests, the handler writes their answers, both in bytes.

    Answers are written as they come, so that no sequence waits for another one.
    """

    def __init__(
        self, engine: Engine, sequences: Sequences, guard: Guard, context: StreamContext
    ) -> None:
        self._engine = engine
        self._sequences = sequences
        self._guard = guard
        self._context = context
        self._span = CURRENT.get()
        self._answers: deque[tuple[bytes, Histogram | None, float, _Told | None]] = deque()
        """Messages; of a step that ran also where its time to write counts, and since when."""
        self._refusals = Refusals()
        self._unanswered = 0
        self._lost: ServiceError | None = None
        self._reading = True
        self._news = Bell()
        self._room = Bell()

    def answered(self, request: SequenceRequest, answer: Answer, lane: Lane) -> None:
        id_, form = request.tag
        if isinstance(answer, StepError):
            self._refusals.tell(request.key, lane.model, answer)
            self._tell(refusal(id_, answer.message, answer.next_step))
        else:
            response = form.at(lane).streamed(id_, answer.outputs)
            times = lane.counts.write if answer.batch_size else None
            told = (answer, lane.model, request.key) if self._span else None
            self._tell(response, times, answer.finished, told)

    def refused(self, request: SequenceRequest, error: ServiceError) -> None:
        self.refuse(request.tag.id, error)

    def refuse(self, id_: bytes, error: ServiceError) -> None:
        self._tell(refusal(id_, str(error)))

    def _tell(
        self,
        response: bytes,
        times: Histogram | None = None,
        finished: float = 0.0,
        told: _Told | None = None,
    ) -> None:
        self._answers.append((response, times, finished, told))
        self._news.ring()

    def end(self, error: ServiceError) -> None:
        """Its caller has no right to it any more."""
        self._lost = error
        self._news.ring()

    async def serve(self) -> None:
        try:
            caller = self._guard.caller(self._context.invocation_metadata())
        except ServiceError as error:
            await abort(self._context, error)
        self._reader = asyncio.create_task(self._read(caller))
        self._engine.counts.calls["inference"] += 1
        try:
            with self._guard.watching(self, caller):
                await self._write()
        finally:
            self._engine.counts.calls["inference"] -= 1
            self._read_no_further()
        if self._lost:
            await abort(self._context, self._lost)

    async def _read(self, caller: Credential) -> None:
        conversation = Conversation(self._engine, self._sequences, caller)
        try:
            while self._reading and (data := await self._receive()) is not None:
                self._unanswered += 1
                conversation.hear(data, self)
                data = None  # it is larger than it looks, and the next may be long in coming
                while self._reading and self._unanswered >= _UNANSWERED:
                    await self._room.heard()
        except DecodeError as error:
            self._lost = InvalidRequest(f"not a ModelInferRequest: {error}")
        finally:
            self._reading = False
            self._news.ring()

    async def _receive(self) -> bytes | None:
        """The next request, or None where the client has sent its last."""
        try:
            data = await self._context.read()
        except grpc.aio.AbortError:
            return None  # the handler has ended the call
        return data if isinstance(data, bytes) else None

    def _read_no_further(self) -> None:
        """Leaves the read under way to end with the call.

        grpc.aio never frees what belongs to a read that is cancelled (grpc/grpc#43360).
        """
        self._reading = False
        self._room.ring()

    async def _write(self) -> None:
        """Writes answers until no more are to come."""
        while True:
            while self._answers:
                response, times, finished, told = self._answers.popleft()
                if times:
                    now = self._engine.now
                    times.add(now - finished)
                    if told and self._span:
                        self._span.stepped(now, *told)
                await self._context.write(response)
                self._unanswered -= 1
                self._room.ring()
            if self._lost or not (self._reading or self._unanswered):
                return
            await self._news.heard()


class InferCall:
    """One unary call: one request."""

    def __init__(self, engine: Engine, sequences: Sequences, caller: Credential) -> None:
        self._engine = engine
        self._conversation = Conversation(engine, sequences, caller)
        self._done: asyncio.Future[tuple[SequenceRequest, Answer, Lane]]
        self._done = asyncio.get_running_loop().create_future()

    def answered(self, request: SequenceRequest, answer: Answer, lane: Lane) -> None:
        if not self._done.done():
            self._done.set_result((request, answer, lane))

    def refused(self, request: SequenceRequest, error: ServiceError) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    async def serve(
        self, message: pb.ModelInferRequest, context: UnaryContext
    ) -> pb.ModelInferResponse:
        """Raises ServiceError."""
        self._conversation.ask(message, self)
        request, answer, lane = await self._done
        if isinstance(answer, StepError):
            await abort_by_name(context, answer.fault.name, answer.message)
        id_, form = request.tag
        response = pb.ModelInferResponse.FromString(form.at(lane).response(id_, answer.outputs))
        if answer.batch_size:
            now = self._engine.now
            lane.counts.write.add(now - answer.finished)
            if span := CURRENT.get():
                span.stepped(now, answer, lane.model, request.key)
        return response
