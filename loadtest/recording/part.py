"""One recorded stream that is asked again, as a new stream."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import grpc

from loadtest.account import Account
from loadtest.recording.comparison import Result, difference, tensors, unlike
from loadtest.recording.recording import Recording
from loadtest.schedule import Arrival
from loadtest.talkers.talker import PATIENCE, Served
from stepwire.call import Call, both
from stepwire.channel import Metadata
from stepwire.errors import StepwireError, Unavailable, from_step
from stepwire.opening import open_request
from stepwire.recording.v1 import recording_pb2 as rec
from stepwire.tensors import Signature
from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc

Conversation = Call[pb.StreamRequest, pb.StreamResponse]


class Timing(NamedTuple):
    """When steps are due. Times in seconds of the replay."""

    zero_us: int
    """Of the recording: when its first step was asked."""
    speed: float | None
    """Times that of the recording; None: as fast as answers come."""

    def due(self, asked_us: int) -> float:
        return (asked_us - self.zero_us) / 1e6 / (self.speed or math.inf)


@dataclass(frozen=True)
class Stage:
    """What the streams of a replay share."""

    recording: Recording
    channel: grpc.aio.Channel
    metadata: Metadata
    model: str | None
    """In place of the recorded ones."""
    version: int | None
    atol: float | None
    timing: Timing
    account: Account
    now: Callable[[], float]
    """Seconds of the replay."""


class Part:
    def __init__(self, stage: Stage, number: int, result: Result) -> None:
        """`number`: of the stream among those that are replayed."""
        self.result = result
        self._stage = stage
        self._number = number
        self._steps = result.recorded.steps
        self._outputs = tensors(result.recorded.begun.outputs)
        self._window = 0
        self._next_due = 0
        self._next_sent = 0
        self._due: deque[Arrival] = deque()
        self._sent: deque[tuple[Arrival, rec.Step]] = deque()
        self._news = asyncio.Event()
        self._stopped = False
        self._call: Conversation | None = None

    @property
    def begins(self) -> float:
        """When the first step is due."""
        return self._at(0)

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True
        self._news.set()

    async def open(self) -> None:
        """What goes wrong is noted in the result."""
        begun, stage = self.result.recorded.begun, self._stage
        stream_id = f"replay-{secrets.token_hex(8)}"
        request = open_request(
            stage.model or begun.model,
            stream_id=stream_id,
            mode="create",
            token=None,
            version=stage.version or (None if stage.model else begun.version),
            late="flag",
            sync=False,
            rate_hz=None,
        )
        stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(stage.channel)
        route = ("stepwire-route", stream_id)
        call = Call(stub.Stream(metadata=(route, *stage.metadata)))
        try:
            async with asyncio.timeout(PATIENCE):
                await call.say(pb.StreamRequest(open=request))
                opened = (await call.hear()).opened
                if reason := self._opened(opened):
                    self.result.failure = reason
                    await self._given_back(call)
                else:
                    self._call = call
        except (StepwireError, TimeoutError) as error:
            call.cancel()
            self.result.failure = str(error) or f"no answer to an open within {PATIENCE:g} s"

    async def play(self) -> None:
        """Asks and compares all steps; then the stream is closed."""
        call = self._call
        if call is None:
            return
        if self._stage.timing.speed is not None:
            self._turn()
        try:
            await both(self._speak(call), self._listen(call))
        except StepwireError as error:
            self._over(error)
        finally:
            call.cancel()

    async def _given_back(self, call: Conversation) -> None:
        """Ends a stream of which nothing is asked."""
        await self._goodbye(call)
        with suppress(StepwireError):
            while True:
                await call.hear()

    async def _goodbye(self, call: Conversation) -> None:
        await call.say(pb.StreamRequest(close=pb.Close()))
        await call.say_no_more()

    def _opened(self, opened: pb.Opened) -> str | None:
        """Why the model is not for these steps; None if it is."""
        signature, begun = Signature(opened.signature), self.result.recorded.begun
        reason = unlike("inputs", tensors(begun.inputs), signature.inputs) or unlike(
            "outputs", self._outputs, signature.outputs
        )
        if reason:
            return f"{opened.model}/{opened.version} does not fit: {reason}"
        self._window = opened.window
        self.result.served = Served(
            opened.model, opened.version, signature.digest, tuple(map(str, signature.inputs))
        )
        return None

    def _turn(self) -> None:
        """Notes what is due, and comes again when more is."""
        now, loop = self._stage.now(), asyncio.get_running_loop()
        while not self._stopped and self._next_due < len(self._steps):
            at = self._at(self._next_due)
            if at > now:
                loop.call_later(at - now, self._turn)
                break
            self._note(at, now)
        self._news.set()

    def _note(self, at: float, now: float) -> None:
        self._next_due += 1
        timed = self._stage.timing.speed is not None and self._next_due < len(self._steps)
        following = self._at(self._next_due) if timed else math.inf
        arrival = Arrival(at, self._number, following)
        self._stage.account.due(arrival, now)
        self._due.append(arrival)

    def _at(self, step: int) -> float:
        return self._stage.timing.due(self._steps.asked_us(step))

    async def _speak(self, call: Conversation) -> None:
        while not self._stopped and self._next_sent < len(self._steps):
            self._news.clear()  # before the look: what happens during a `say` is news
            while self._may_send():
                if not await call.say(self._message()):
                    return
            if self._next_sent < len(self._steps):
                await self._news.wait()
        await self._goodbye(call)

    def _may_send(self) -> bool:
        if self._stopped or len(self._sent) >= self._window:
            return False
        if self._stage.timing.speed is None and self._next_due < len(self._steps):
            now = self._stage.now()
            self._note(now, now)
        return bool(self._due)

    def _message(self) -> pb.StreamRequest:
        step = self._stage.recording.step(self._steps.offset(self._next_sent))
        self._next_sent += 1
        self._sent.append((self._due.popleft(), step))
        request = pb.StreamRequest(step=pb.Step(step=step.step, inputs=step.inputs))
        if step.verdict == rec.VERDICT_HELD:
            # It is held again, whatever the clock says: the state must not see its input.
            request.step.verdict = pb.VERDICT_HELD
        return request

    async def _listen(self, call: Conversation) -> None:
        """Until the call ends, which it does when the last step is answered."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as patience:
                while True:
                    left = max(0.0, self._at(len(self._steps) - 1) - self._stage.now())
                    patience.reschedule(loop.time() + left + PATIENCE)
                    self._hear(await call.hear())
        except TimeoutError as error:
            raise Unavailable(f"no answer within {PATIENCE:g} s") from error

    def _hear(self, response: pb.StreamResponse) -> None:
        event = response.WhichOneof("event")
        if event == "output":
            self._answered(response.output)
        elif event == "error":
            raise from_step(response.error)

    def _answered(self, output: pb.Output) -> None:
        arrival, step = self._sent.popleft()
        self._news.set()
        self._stage.account.answered(
            arrival,
            self._stage.now(),
            output.batch_size,
            output.queue_us * 1e-6,
            output.compute_us * 1e-6,
        )
        if step.HasField("answered_us"):
            found = difference(self._outputs, step.outputs, output.outputs, self._stage.atol)
            self.result.compared(step.step, found)
        else:
            self.result.uncompared += 1

    def _over(self, error: StepwireError) -> None:
        """The call has ended: as it should where every step is answered."""
        interrupted, self._stopped = self._stopped, True
        for arrival, _ in self._sent:
            self._stage.account.lost(arrival, self._stage.now(), type(error).__name__)
        if self.result.unanswered and not (interrupted and not self._sent):
            step = self._next_sent - len(self._sent)
            self.result.failure = f"step {step}: {error}"
