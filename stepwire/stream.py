"""One live sequence through a served model, for asyncio."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

from stepwire import errors
from stepwire.call import Conversation
from stepwire.history import History
from stepwire.info import StepInfo
from stepwire.link import Link
from stepwire.outage import Outage
from stepwire.sequence import Sequence, Timestep
from stepwire.tensors import Outputs, Signature, Tensors
from stepwire.v1 import stream_pb2 as pb

OnUnprotected = Literal["continue", "wait"]

_LONGEST_GOODBYE = 5.0


class Stream:
    """Made by `Client.stream`; `async with` opens it.

    Leaving the block closes the stream, leaving it by an exception detaches it. A dropped
    connection is resumed inside, and what was unanswered is sent again. A server that comes
    back from a crash is given again what its store did not have.
    """

    def __init__(
        self,
        connect: Callable[[str], Conversation],
        request: pb.Open,
        *,
        from_step: int | None,
        retry_for: float,
        on_unprotected: OnUnprotected,
        replay_bytes: int,
    ) -> None:
        """`connect`: a call for the stream of that id. `request`: what opens the stream."""
        if from_step is not None and from_step < 0:
            raise ValueError(f"steps count from 0, not from {from_step}")
        if on_unprotected not in ("continue", "wait"):
            raise ValueError(f"on_unprotected is 'continue' or 'wait', not {on_unprotected!r}")
        if replay_bytes < 0:
            raise ValueError(f"replay_bytes is a number of bytes from 0, not {replay_bytes}")
        self._connect = connect
        self._from_step = from_step
        self._waits = on_unprotected == "wait"
        self._open_request = request
        self._outage = Outage(retry_for)
        self._fewer = asyncio.Event()
        self._history = History(replay_bytes, on_saved=self._fewer.set)
        self._sequence = Sequence(self._history)
        self._link: Link | None = None
        self._opened: asyncio.Future[pb.Opened] | None = None
        self._signature: Signature | None = None
        self._version = 0
        self._exact = True
        self._turn = asyncio.Lock()
        self._room = asyncio.Semaphore(0)
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
        """The version of the model that the stream runs on; 0 before the stream is open.

        It changes where the server hands its streams over to a newer one.
        """
        return self._version

    @property
    def next_step(self) -> int:
        """The number that the next timestep takes."""
        return self._sequence.next_step

    @property
    def durable(self) -> bool:
        """Whether the server has a store in which the state outlives its process."""
        return self._history.durable

    @property
    def durable_step(self) -> int:
        """The timesteps before this one are in that store; 0 without one."""
        return self._history.durable_step

    @property
    def protected(self) -> bool:
        """Whether a crash of the server would lose nothing.

        The store is durable, and every timestep that it does not have is kept here.
        """
        return self._history.protected

    @property
    def exact(self) -> bool:
        """Whether all outputs are, to the last bit, those of an undisturbed stream.

        False once the stream was resumed under other arithmetic.
        """
        return self._exact

    @property
    def live(self) -> bool:
        """Whether it was opened and has not ended."""
        return self._link is not None and self._failure is None

    @property
    def signature(self) -> Signature:
        """What the model takes and gives. Raises StreamClosed before the stream is open."""
        if self._signature is None:
            raise errors.StreamClosed("this stream is not open: use it in `async with`")
        return self._signature

    @property
    def info(self) -> StepInfo | None:
        """How the newest answered step fared; None before the first."""
        return StepInfo.of(self._newest) if self._newest else None

    async def open(self) -> None:
        """Raises the server's refusal, or Unavailable after `retry_for` seconds.

        Cancelled meanwhile, it may have opened the stream: `id` and `token` resume it.
        """
        if self._link:
            raise errors.StreamClosed("a stream is opened once: make another with Client.stream")
        self._opened = asyncio.get_running_loop().create_future()
        self._link = Link(
            lambda: self._connect(self.id),
            self._open_request,
            self._sequence,
            on_connected=self._on_connected,
            on_disconnected=self._outage.begin,
            on_recovered=self._outage.end,
            on_ended=self._on_ended,
        )
        try:
            await asyncio.wait_for(self._opened, self._outage.retry_for)
        except TimeoutError as error:
            await self._end(close=False)
            raise self._outage.error() from error
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
        steps was unanswered before it, or it waited for protection, it has not been sent and
        has no number; `next_step` tells. Any StepError leaves the stream as it was.
        """
        if budget is not None and not 0 <= budget < math.inf:
            raise ValueError(f"a budget is a number of seconds, not {budget}")
        output = await self._answer(self.signature.encode(inputs), budget)
        return self.signature.decode(output.outputs)

    async def _answer(self, inputs: tuple[bytes, ...], budget: float | None) -> pb.Output:
        created = time.monotonic()
        limit = self._outage.limit()
        try:
            async with limit:
                if self._waits:
                    await self._protected_room()
                else:
                    await self._room.acquire()
                if self._failure:
                    self._room.release()
                    raise self._failure
                return await self._add(inputs, budget, created)
        except TimeoutError as error:
            raise self._outage.error() from error
        finally:
            self._outage.forget(limit)

    async def _protected_room(self) -> None:
        """Room in the window, taken once one more timestep pushes none out of the history.

        The lock lets those that wait here go on in the order in which they came.
        """
        async with self._turn:
            while self._sequence.full and not self._failure:
                self._fewer.clear()
                await self._fewer.wait()
            await self._room.acquire()

    def _add(
        self, inputs: tuple[bytes, ...], budget: float | None, created: float
    ) -> asyncio.Future[pb.Output]:
        future: asyncio.Future[pb.Output] = asyncio.get_running_loop().create_future()
        timestep = Timestep(
            inputs,
            budget,
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
        self._room.release()
        if not future.done():
            future.set_result(output)

    def _fail(self, future: asyncio.Future[pb.Output], error: errors.StepwireError) -> None:
        self._room.release()
        self._fewer.set()
        if not future.done():
            future.set_exception(error)

    def _on_connected(self, opened: pb.Opened) -> None:
        if self._signature is None:
            self._sequence.opened(opened, self._from_step)
            self._room = asyncio.Semaphore(opened.window)
        if self._signature is None or opened.version != self._version:
            self._signature = Signature(opened.signature)
            self._version = opened.version
        self._exact = self._exact and opened.exact
        if self._opened and not self._opened.done():
            self._opened.set_result(opened)

    def _on_ended(self, failure: errors.StepwireError) -> None:
        self._failure = failure
        self._sequence.fail(failure)
        self._fewer.set()
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
            patience = min(self._outage.retry_for, _LONGEST_GOODBYE)
            await self._link.end(close=close, patience=patience)

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
