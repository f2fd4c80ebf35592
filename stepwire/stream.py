"""One live sequence through a served model, for asyncio."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, NamedTuple, Self

from stepwire import errors
from stepwire.call import RawCall
from stepwire.link import Link
from stepwire.sequence import Sequence, Timestep
from stepwire.tensors import Outputs, Signature, Tensors
from stepwire.v1 import stream_pb2 as pb

Mode = Literal["create", "resume", "restart"]
Late = Literal["flag", "reject", "hold"]
Verdict = Literal["on_time", "late", "held"]

_VERDICTS: dict[int, Verdict] = {
    pb.VERDICT_ON_TIME: "on_time",
    pb.VERDICT_LATE: "late",
    pb.VERDICT_HELD: "held",
}
_TOKEN_BYTES = 16
_HOLDER_BYTES = 8
_LONGEST_GOODBYE = 5.0


class StepInfo(NamedTuple):
    """How the newest answered step fared. Times in seconds."""

    step: int
    verdict: Verdict
    batch_size: int
    """Streams that shared the run; 0 if nothing ran for this answer."""
    queued: float
    computed: float


class Stream:
    """Made by `Client.stream`; `async with` opens it.

    Leaving the block closes the stream, leaving it by an exception detaches it. A dropped
    connection is resumed inside, and what was unanswered is sent again.
    """

    def __init__(
        self,
        connect: Callable[[], RawCall],
        model: str,
        *,
        stream_id: str | None,
        mode: Mode,
        token: bytes | None,
        version: int | None,
        late: Late,
        from_step: int | None,
        retry_for: float,
    ) -> None:
        if mode == "resume" and not (stream_id and token):
            raise ValueError("resuming needs the stream's id and token")
        if from_step is not None and from_step < 0:
            raise ValueError(f"steps count from 0, not from {from_step}")
        self._connect = connect
        self._from_step = from_step
        self._retry_for = retry_for
        self._open_request = pb.Open(
            model=model,
            version=version or 0,
            stream_id=stream_id or secrets.token_hex(8),
            mode=pb.OpenMode.Value(f"OPEN_MODE_{mode.upper()}"),
            token=token or secrets.token_bytes(_TOKEN_BYTES),
            late_policy=pb.LatePolicy.Value(f"LATE_POLICY_{late.upper()}"),
            holder=secrets.token_bytes(_HOLDER_BYTES),
        )
        self._sequence = Sequence()
        self._link: Link | None = None
        self._opened: asyncio.Future[pb.Opened] | None = None
        self._signature: Signature | None = None
        self._room = asyncio.Semaphore(0)
        self._limits: set[asyncio.Timeout] = set()
        self._down: errors.Unavailable | None = None
        self._failure: errors.StepwireError | None = None
        self._newest: pb.Output | None = None

    @property
    def id(self) -> str:
        return self._open_request.stream_id

    @property
    def token(self) -> bytes:
        """What `mode="resume"` needs, also from another process. Keep it to yourself."""
        return self._open_request.token

    @property
    def version(self) -> int:
        """The version of the model that the stream runs on; 0 before the stream is open."""
        return self._open_request.version

    @property
    def next_step(self) -> int:
        """The number that the next timestep takes."""
        return self._sequence.next_step

    @property
    def signature(self) -> Signature:
        """What the model takes and gives. Raises StreamClosed before the stream is open."""
        if self._signature is None:
            raise errors.StreamClosed("this stream is not open: use it in `async with`")
        return self._signature

    @property
    def info(self) -> StepInfo | None:
        """How the newest answered step fared; None before the first."""
        output = self._newest
        if output is None:
            return None
        return StepInfo(
            output.step,
            _VERDICTS[output.verdict],
            output.batch_size,
            output.queue_us * 1e-6,
            output.compute_us * 1e-6,
        )

    async def open(self) -> None:
        """Raises the server's refusal, or Unavailable after `retry_for` seconds.

        Cancelled meanwhile, it may have opened the stream: `id` and `token` resume it.
        """
        if self._link:
            raise errors.StreamClosed("a stream is opened once: make another with Client.stream")
        self._opened = asyncio.get_running_loop().create_future()
        self._link = Link(
            self._connect,
            self._open_request,
            self._sequence,
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            on_ended=self._on_ended,
        )
        try:
            await asyncio.wait_for(self._opened, self._retry_for)
        except TimeoutError as error:
            await self._end(close=False)
            raise self._unavailable() from error
        except BaseException:
            await self._end(close=False)
            raise

    async def step(self, inputs: Tensors, *, budget: float | None = None) -> Outputs:
        """Advances the stream by one timestep and returns the model's outputs.

        `inputs`: an array where the model has one input, else a dict of arrays by name;
        the answer has the same form. `budget`: seconds that the answer may take before
        the stream's late policy applies.

        A step that was cancelled, for example by `asyncio.timeout`, or that met Unavailable
        keeps its number: it takes effect once, and its answer is dropped. Where a window of
        steps was unanswered before it, it has not been sent and has no number; `next_step`
        tells. Any StepError leaves the stream as it was.
        """
        signature = self.signature
        step = pb.Step(inputs=signature.encode(inputs))
        if budget is not None:
            if not 0 <= budget < math.inf:
                raise ValueError(f"a budget is a number of seconds, not {budget}")
            step.budget_us = round(budget * 1e6)
        output = await self._answer(step)
        return signature.decode(output.outputs)

    async def _answer(self, step: pb.Step) -> pb.Output:
        created = time.monotonic()
        limit = asyncio.timeout(self._retry_for if self._down else None)
        try:
            async with limit:
                self._limits.add(limit)
                await self._room.acquire()
                if self._failure:
                    self._room.release()
                    raise self._failure
                return await self._add(step, created)
        except TimeoutError as error:
            raise self._unavailable() from error
        finally:
            self._limits.discard(limit)

    def _add(self, step: pb.Step, created: float) -> asyncio.Future[pb.Output]:
        future: asyncio.Future[pb.Output] = asyncio.get_running_loop().create_future()
        timestep = Timestep(
            step,
            created,
            succeed=lambda output: self._succeed(future, output),
            fail=lambda error: self._fail(future, error),
        )
        self._sequence.add(timestep)
        assert self._link is not None
        self._link.wake()
        return future

    def _succeed(self, future: asyncio.Future[pb.Output], output: pb.Output) -> None:
        self._newest = output
        self._answered()
        if not future.done():
            future.set_result(output)

    def _fail(self, future: asyncio.Future[pb.Output], error: errors.StepwireError) -> None:
        self._answered()
        if not future.done():
            future.set_exception(error)

    def _answered(self) -> None:
        self._room.release()
        if self._down:
            self._down = None
            self._limit(None)

    def _limit(self, when: float | None) -> None:
        """Until when, on the loop's clock, the steps that wait may wait."""
        for limit in self._limits:
            if when is None or limit.when() is None:
                limit.reschedule(when)

    def _unavailable(self) -> errors.Unavailable:
        reason = f": {self._down}" if self._down else ""
        return errors.Unavailable(f"no server answered for {self._retry_for:g} s{reason}")

    def _on_connected(self, opened: pb.Opened) -> None:
        if self._signature is None:
            self._signature = Signature(opened.signature)
            self._sequence.opened(opened.next_step, self._from_step)
            self._room = asyncio.Semaphore(opened.window)
        if self._opened and not self._opened.done():
            self._opened.set_result(opened)

    def _on_disconnected(self, failure: errors.Unavailable) -> None:
        self._down = failure
        self._limit(asyncio.get_running_loop().time() + self._retry_for)

    def _on_ended(self, failure: errors.StepwireError) -> None:
        self._failure = failure
        self._sequence.fail(failure)
        if self._opened and not self._opened.done():
            self._opened.set_exception(failure)

    async def close(self) -> None:
        """Ends the sequence: answers what is unanswered, then frees the state on the server.

        Without a connection the server keeps the state until its idle limit.
        """
        await self._end(close=True)

    async def detach(self) -> None:
        """Leaves the state on the server, to be resumed within its idle limit."""
        await self._end(close=False)

    async def _end(self, *, close: bool) -> None:
        if self._link:
            await self._link.end(close=close, patience=min(self._retry_for, _LONGEST_GOODBYE))

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end(close=error is None)
