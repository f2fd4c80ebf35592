"""One sequence: its requests stand in a line, and one of them is at work at a time."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Protocol

from service.core.errors import (
    InvalidRequest,
    ServerFailed,
    ServiceError,
    StreamMoved,
    StreamNotFound,
)
from service.core.lateness import LatePolicy
from service.core.sequences import TOKEN
from service.core.steps import Answer, Step, StepError
from service.core.streams import Mode, OpenRequest, StreamKey
from service.engine import Engine
from service.sequences.request import SequenceRequest
from service.streams.opening import Opened

log = logging.getLogger(__name__)


class Keeper(Protocol):
    """Who keeps a sequence while it has a stream, or requests."""

    def forget(self, sequence: Sequence) -> None: ...


class Sequence:
    """The owner of its stream, if it has one."""

    def __init__(self, key: StreamKey, engine: Engine, keeper: Keeper) -> None:
        self.key = key
        self.used = 0.0
        """When its newest request came; seconds on the server's clock."""
        self.opened: Opened | None = None
        self._engine = engine
        self._keeper = keeper
        self._line: deque[SequenceRequest] = deque()
        self._opening: asyncio.Task[None] | None = None
        self._ended = False
        """Whether its last timestep has run, and it stays for those who ask for that again."""
        self._parting: ServiceError | None = None

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
            self._serve(request)

    def close(self) -> None:
        """Ends the sequence."""
        opened, self.opened = self.opened, None
        if opened:
            self._engine.close(opened.stream, self)

    def _serve(self, request: SequenceRequest) -> None:
        """Begins with the first of the line."""
        if refusal := self._refusal(request):
            self._refuse(refusal)
        elif request.start or self.opened is None:
            self._opening = asyncio.create_task(self._open(request))
        else:
            self._submit(request, self.opened)

    def _refusal(self, request: SequenceRequest) -> ServiceError | None:
        if request.refusal:
            return request.refusal
        if request.start:
            if request.step:
                return InvalidRequest(f"a sequence starts with step 0, not with {request.step}")
            return None
        return self._refusal_to_go_on(request, self.opened) if self.opened else None

    def _refusal_to_go_on(self, request: SequenceRequest, opened: Opened) -> ServiceError | None:
        model, version = opened.stream.model, request.version
        if version is not None and version != model.version:
            return InvalidRequest(
                f"the sequence runs {model} and keeps it: name no other version, or start it again"
            )
        if self._ended and (request.step is None or request.step >= self._next_step(opened)):
            return StreamNotFound("the sequence has ended: start it again")
        return None

    def _next_step(self, opened: Opened) -> int:
        return opened.lane.next_step(opened.stream)

    def _submit(self, request: SequenceRequest, opened: Opened) -> None:
        number = self._next_step(opened) if request.step is None else request.step
        step = Step(number, request.inputs, request.received, request.timeout)
        self._engine.submit(opened.stream, step)

    async def _open(self, request: SequenceRequest) -> None:
        try:
            self.opened = await self._engine.open(_opening(request), self)
            self._ended = False
        except StreamNotFound as error:
            self._refuse(error if request.start else _not_there(request, error))
        except ServiceError as error:
            self._refuse(error)
        except Exception as error:  # whatever it is, those in the line wait for an answer
            log.exception("sequence %s could not be opened", self.key)
            self._refuse(ServerFailed(f"the sequence could not be opened: {error!r}"))
        else:
            self._opening = None
            self._submit(request, self.opened)

    def answer(self, answer: Answer) -> None:
        request, opened = self._line.popleft(), self.opened
        assert opened is not None
        request.asker.answered(request, answer, opened.lane)
        if isinstance(answer, StepError):
            if answer.next_step == 0:
                self.close()  # nobody has started it
        elif request.end and request.step is None:
            self.close()
        elif request.end:
            self._ended = True
        self._go_on()

    def _refuse(self, error: ServiceError) -> None:
        self._opening = None
        request = self._line.popleft()
        request.asker.refused(request, error)
        self._go_on()

    def _go_on(self) -> None:
        if self._line:
            self._serve(self._line[0])
        elif self._parting:
            self._part()
        elif self.opened is None:
            self._keeper.forget(self)

    def durable(self, step: int) -> None:
        """Its clients are not told."""

    def end(self, error: ServiceError) -> None:
        if self.opened is None:
            return
        self.opened = None
        if self._opening:
            return  # it makes way for the one that is opened in its place
        if not self._line:
            self._keeper.forget(self)
        elif isinstance(error, StreamMoved):
            self._serve(self._line[0])  # what was at work has not run
        else:
            self._refuse(error)

    def leave(self, error: ServiceError) -> None:
        self._parting = error
        if not self._line:
            self._part()

    def _part(self) -> None:
        opened, self.opened = self.opened, None
        if opened:
            self._engine.detach(opened.stream, self)
        self._keeper.forget(self)


def _opening(request: SequenceRequest) -> OpenRequest:
    return OpenRequest(
        request.key.id,
        TOKEN,
        Mode.RESTART if request.start else Mode.RESUME,
        request.model,
        request.version,
        LatePolicy.REJECT,
        namespace=request.key.namespace,
        sequence=True,
        complete=request.step is None,
    )


def _not_there(request: SequenceRequest, error: StreamNotFound) -> StreamNotFound:
    return StreamNotFound(
        f"{error}: the first request of a sequence has the parameter sequence_start, and so has "
        "the first after it was idle for long, or its server was lost"
    )
