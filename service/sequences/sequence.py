"""One sequence: its requests stand in a line, and one of them is at work at a time."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final, Protocol

from service.core.errors import (
    InvalidRequest,
    ModelNotFound,
    ServerFailed,
    ServiceError,
    StoreDown,
    StreamExists,
    StreamMoved,
    StreamNotFound,
    StreamTakenOver,
)
from service.core.steps import Answer, Step, StepError
from service.core.streams import StreamKey
from service.engine import Engine
from service.sequences.request import SequenceRequest
from service.sequences.streams import end_stream, open_stream
from service.streams.opening import Opened

log = logging.getLogger(__name__)

_OVER: Final = b"over"
"""The holder of a stream whose last timestep has run: the next owner, too, runs none after it."""
_NOT_TO_END = StreamTakenOver, StreamExists, StoreDown
"""Refusals of a start: another server begins the sequence anew, or the store cannot be asked."""


class Register(Protocol):
    """Where sequences are found that have a stream, or requests."""

    def forget(self, sequence: Sequence) -> None: ...

    def is_over(self, sequence: Sequence) -> None:
        """Nothing but its last answers will be asked for."""


class Sequence:
    """The owner of its stream, if it has one."""

    def __init__(self, key: StreamKey, engine: Engine, register: Register) -> None:
        self.key = key
        self.used = 0.0
        """When its newest request came; seconds on the server's clock."""
        self.opened: Opened | None = None
        self._engine = engine
        self._register = register
        self._line: deque[SequenceRequest] = deque()
        self._task: asyncio.Task[None] | None = None
        """Opens or ends a stream for the first of the line."""
        self._over = False
        self._parting: ServiceError | None = None

    @property
    def over(self) -> bool:
        """Whether its last timestep has run, and it stays for those who ask for that again."""
        return self._over

    @property
    def busy(self) -> bool:
        return bool(self._line)

    def take(self, request: SequenceRequest) -> None:
        if self._parting:
            request.asker.refused(request, self._parting)
            return
        self.used = request.received
        self._line.append(request)
        if len(self._line) == 1:
            self._go_on()

    def close(self) -> None:
        """Ends its stream, and with it the state."""
        opened, self.opened = self.opened, None
        if opened:
            self._engine.close(opened.stream, self)

    def expire(self) -> None:
        """The same, for nobody has asked for it for too long."""
        if self._over:
            self.close()  # its client had ended it
            return
        opened, self.opened = self.opened, None
        if opened:
            self._engine.expire(opened.stream, self)

    def _go_on(self) -> None:
        """Has the first of the line go to work; those that cannot are refused.

        Those of askers that are gone are left out: clients that send, leave and come again would
        have the server work for nobody, and all others wait for it.
        """
        while self._line:
            request, refusal = self._line[0], None
            if not request.asker.gone:
                refusal = self._begin(request)
                if refusal is None:
                    return
            if request.start:
                self.close()
                if refusal and self._may_live_elsewhere(refusal):
                    self._task = asyncio.create_task(self._end_former(refusal))
                    return
            self._pass_over(refusal)
        if self._parting:
            self._part()
        elif self.opened is None:
            self._register.forget(self)

    def _may_live_elsewhere(self, refusal: ServiceError) -> bool:
        """Whether what comes behind a start, which is refused, might reach a former sequence that
        another server has, or the store.

        Not where it is answered by another start, and not where a server began the sequence
        anew: that one is to go on. One whose asker is gone may have begun it anew elsewhere.
        """
        if isinstance(refusal, _NOT_TO_END):
            return False
        behind = self._line[1] if len(self._line) > 1 else None
        return behind is None or behind.asker.gone or not behind.start

    async def _end_former(self, refusal: ServiceError) -> None:
        await end_stream(self._engine, self.key)
        self._task = None
        self._pass_over(refusal)
        self._go_on()

    def _pass_over(self, refusal: ServiceError | None) -> None:
        request = self._line.popleft()
        if refusal:
            request.asker.refused(request, refusal)

    def _begin(self, request: SequenceRequest) -> ServiceError | None:
        """Why it cannot go to work, or None: it has."""
        refusal = request.refusal or _bad_start(request)
        if refusal is None and self.opened and self._goes_on(request, self.opened):
            return self._submit(request, self.opened)
        if refusal is None:
            self._task = asyncio.create_task(self._open(request))
        return refusal

    def _goes_on(self, request: SequenceRequest, opened: Opened) -> bool:
        """Whether it is for the stream that there is, and none begins with it."""
        if not request.lone:
            return not request.start
        try:
            return self._engine.named(request.model, request.version) is opened.lane
        except ModelNotFound:
            return False  # which the open tells

    def _submit(self, request: SequenceRequest, opened: Opened) -> ServiceError | None:
        """Why it cannot go to work, or None: it has."""
        next_step = opened.lane.next_step(opened.stream)
        refusal = self._misfit(request, opened, next_step)
        if refusal is None:
            number = next_step if request.step is None else request.step
            step = Step(number, request.inputs, request.received, request.timeout)
            self._engine.submit(opened.stream, step)
        return refusal

    def _misfit(
        self, request: SequenceRequest, opened: Opened, next_step: int
    ) -> ServiceError | None:
        model, version = opened.stream.model, request.version
        if version is not None and version != model.version:
            return InvalidRequest(
                f"the sequence runs {model} and keeps it: name no other version, or start it again"
            )
        if self._over and (request.step is None or request.step >= next_step):
            return StreamNotFound("the sequence has ended: start it again")
        return None if request.lane is opened.lane else self._unreadable(request, opened)

    def _unreadable(self, request: SequenceRequest, opened: Opened) -> ServiceError | None:
        """Why its inputs do not fit the model, or None: they do."""
        try:
            request.asker.read(request, opened.lane)
        except InvalidRequest as error:
            return error
        except Exception as error:  # whatever it is, those in the line wait for an answer
            log.exception("a request of sequence %s could not be read", self.key)
            return ServerFailed(f"the request could not be read: {error!r}")
        return None

    async def _open(self, request: SequenceRequest) -> None:
        refusal = await self._opened(request)
        self._task = None
        if refusal is None and self.opened:
            refusal = self._submit(request, self.opened)
        if refusal is not None:
            request.refusal = refusal
            self._go_on()

    async def _opened(self, request: SequenceRequest) -> ServiceError | None:
        """Why it has no stream, or None: it has."""
        try:
            self.opened = await open_stream(self._engine, request, self)
        except ServiceError as error:
            return error
        self._over = not request.begins and self.opened.former_holder == _OVER
        if self._over:
            self._mark_over(self.opened)
        return None

    def _mark_over(self, opened: Opened) -> None:
        self._over = True
        opened.stream.holder = _OVER
        opened.lane.touch(opened.stream)
        self._register.is_over(self)

    def answer(self, answer: Answer) -> None:
        request, opened = self._line.popleft(), self.opened
        assert opened is not None
        if isinstance(answer, StepError):
            if answer.next_step == 0:
                self.close()  # nobody has started it
        elif request.end and request.step is None:
            self.close()
        elif request.end:
            self._mark_over(opened)
        try:
            request.asker.answered(request, answer, opened.lane)
        finally:
            self._go_on()

    def durable(self, step: int) -> None:
        """Its clients are not told."""

    def end(self, error: ServiceError) -> None:
        """The stream was lost; what was at work has not run."""
        if self.opened is None:
            return
        self.opened = None
        if self._task:
            return  # it makes way for the one that is opened in its place
        if self._line and not isinstance(error, StreamMoved):
            self._line[0].refusal = error
        self._go_on()

    def leave(self, error: ServiceError) -> None:
        """Once its line is answered, the stream is left to the next server."""
        self._parting = error
        if not self._line:
            self._part()

    def _part(self) -> None:
        opened, self.opened = self.opened, None
        if opened:
            self._engine.detach(opened.stream, self)
        self._register.forget(self)


def _bad_start(request: SequenceRequest) -> ServiceError | None:
    if request.start and request.step:
        return InvalidRequest(f"a sequence starts with step 0, not with {request.step}")
    return None
