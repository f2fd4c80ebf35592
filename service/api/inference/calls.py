"""ModelInfer and ModelStreamInfer: requests of sequences, and their answers."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TypeAlias

import grpc

from service.access.credentials import Credential
from service.api.errors import abort, abort_by_name
from service.api.guard import Guard
from service.api.inference.conversation import Conversation, read
from service.api.inference.replies import refusal
from service.api.receiving import Receiver, fault
from service.api.refusals import Refusals
from service.api.writing import Writing
from service.core.errors import ServiceError
from service.core.steps import Answer, Output, StepError
from service.core.streams import StreamKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.sequences.request import SequenceRequest
from service.sequences.sequences import Sequences
from service.traces.spans import CURRENT, CallSpan
from stepwire.inference import inference_pb2 as pb

StreamContext = grpc.aio.ServicerContext[bytes, bytes]
UnaryContext = grpc.aio.ServicerContext[pb.ModelInferRequest, pb.ModelInferResponse]

_Ran: TypeAlias = tuple[Output, Lane, StreamKey]
"""A timestep that ran, for the counts and the span."""

_UNANSWERED = 1024
"""Requests of a call that may wait for their answers before it is read no further."""
_UNANSWERED_BYTES = 8 * 2**20


class StreamInferCall(Receiver):
    """One streaming call: a task reads requests, the handler writes their answers, both in bytes.

    Answers are written as they come, so that no sequence waits for another one.
    """

    def __init__(
        self, engine: Engine, sequences: Sequences, guard: Guard, context: StreamContext
    ) -> None:
        super().__init__()
        self._engine = engine
        self._sequences = sequences
        self._guard = guard
        self._context = context
        self._span = CURRENT.get()
        self._answers: deque[tuple[bytes, int, _Ran | None]] = deque()
        """Messages, the bytes of their requests, and what has run for them."""
        self._refusals = Refusals()
        self._unanswered = self._unanswered_bytes = 0
        self._lost: ServiceError | None = None
        self.gone = False
        """Whether the call has ended: what it asked for and has not begun is not to run."""
        self._writing = Writing(context)

    def read(self, request: SequenceRequest, lane: Lane) -> None:
        read(request, lane)

    def answered(self, request: SequenceRequest, answer: Answer, lane: Lane) -> None:
        id_, size, _, form = request.tag
        if isinstance(answer, StepError):
            self._refusals.tell(request.key, lane.model, answer)
            self._tell(refusal(id_, answer.message, answer.next_step), size)
        else:
            ran = (answer, lane, request.key) if answer.batch_size else None
            self._tell(form.streamed(id_, answer.outputs), size, ran)

    def refused(self, request: SequenceRequest, error: ServiceError) -> None:
        self.turn_away(request.tag.id, request.tag.size, error)

    def turn_away(self, id_: bytes, size: int, error: ServiceError) -> None:
        self._tell(refusal(id_, str(error)), size)

    def _tell(self, response: bytes, size: int, ran: _Ran | None = None) -> None:
        if not self._answers and self._writing.offer(response):
            self._told(size, ran)
            if not (self._reading or self._unanswered):
                self._news.ring()
            return
        self._answers.append((response, size, ran))
        self._news.ring()

    def _told(self, size: int, ran: _Ran | None) -> None:
        if ran:
            _count(self._engine.now, ran, self._span)
        self._unanswered_bytes -= size
        self._unanswered -= 1
        self._room.ring()

    def end(self, error: ServiceError) -> None:
        """Its caller has no right to it any more."""
        self._lost = error
        self._news.ring()

    async def serve(self) -> None:
        try:
            caller = self._guard.caller(self._context.invocation_metadata())
        except ServiceError as error:
            await abort(self._context, error)
        conversation = Conversation(self._engine, self._sequences, caller)
        self._reader = asyncio.create_task(
            self._read(self._context, partial(self._hear, conversation))
        )
        self._engine.counts.calls["inference"] += 1
        try:
            with self._guard.watching(self, caller):
                await self._write()
        finally:
            self._engine.counts.calls["inference"] -= 1
            self.gone = True
            self._read_no_further()
        if self._lost:
            await abort(self._context, self._lost)

    def _hear(self, conversation: Conversation, data: bytes) -> bool:
        """Whether another request may come."""
        self._unanswered += 1
        self._unanswered_bytes += len(data)
        if error := fault(pb.ModelInferRequest, conversation.hear, data, self):
            self._lost = error
        if self._lost:
            self._reading = False
        return self._reading and not self._is_full

    @property
    def _is_full(self) -> bool:
        return self._unanswered >= _UNANSWERED or self._unanswered_bytes >= _UNANSWERED_BYTES

    async def _write(self) -> None:
        """Writes answers until no more are to come."""
        while True:
            while self._answers:
                response, size, ran = self._answers.popleft()
                await self._writing.write(response)
                self._told(size, ran)
            if self._lost or not (self._reading or self._unanswered):
                return
            await self._news.heard()


def _count(now: float, ran: _Ran, span: CallSpan | None) -> None:
    """Of what has run the answer is about to be written."""
    output, lane, stream = ran
    lane.counts.write.add(now - output.finished)
    if span:
        span.stepped(now, output, lane.model, stream)


class InferCall:
    """One unary call: one request."""

    def __init__(self, engine: Engine, sequences: Sequences, caller: Credential) -> None:
        self._engine = engine
        self._conversation = Conversation(engine, sequences, caller)
        self._done: asyncio.Future[tuple[SequenceRequest, Answer, Lane]]
        self._done = asyncio.get_running_loop().create_future()

    @property
    def gone(self) -> bool:
        return self._done.cancelled()

    def read(self, request: SequenceRequest, lane: Lane) -> None:
        read(request, lane)

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
        id_, _, _, form = request.tag
        response = pb.ModelInferResponse.FromString(form.response(id_, answer.outputs))
        if answer.batch_size:
            _count(self._engine.now, (answer, lane, request.key), CURRENT.get())
        return response
