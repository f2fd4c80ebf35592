"""Keeps a stream connected: opens its call, speaks and listens, and resumes after a failure."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

from stepwire import errors
from stepwire.call import Conversation, both
from stepwire.opening import reopen
from stepwire.sequence import Sequence
from stepwire.v1 import stream_pb2 as pb

_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.02, 0.5


class Link:
    def __init__(
        self,
        connect: Callable[[], Conversation],
        open_request: pb.Open,
        sequence: Sequence,
        *,
        on_connected: Callable[[pb.Opened], None],
        on_disconnected: Callable[[errors.Unavailable], None],
        on_recovered: Callable[[], None],
        on_ended: Callable[[errors.StepwireError], None],
    ) -> None:
        """`on_ended`: the stream is over for this link, which does not come back."""
        self._connect = connect
        self._open_request = open_request
        self._sequence = sequence
        self._on_connected = on_connected
        self._on_disconnected = on_disconnected
        self._on_recovered = on_recovered
        self._on_ended = on_ended
        self._backoff = _FIRST_BACKOFF
        self._was_open = False
        self._connected = False
        self._going_away = False
        self._last_words: list[pb.StreamRequest] | None = None
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """The sequence has something to send."""
        self._news.set()

    async def end(self, *, close: bool, patience: float) -> None:
        """Ends the call once everything is answered; `patience` in seconds.

        Without a connection the server learns nothing and keeps the stream detached.
        """
        self._last_words = [pb.StreamRequest(close=pb.Close())] if close else []
        self._news.set()
        try:
            if self._connected:
                await asyncio.wait([self._task], timeout=patience)
        finally:
            self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        ended: errors.StepwireError = errors.StreamClosed(
            "this stream was closed or detached: open it again"
        )
        try:
            while True:
                failure = await self._conversation()
                if self._last_words is not None:
                    break
                if not isinstance(failure, errors.Unavailable):
                    ended = failure
                    break
                self._on_disconnected(failure)
                await asyncio.sleep(self._backoff * random.uniform(0.5, 1.0))
                self._backoff = min(2 * self._backoff, _LONGEST_BACKOFF)
        finally:
            # Whatever happens here, no step may be left waiting.
            self._on_ended(ended)

    async def _conversation(self) -> errors.StepwireError:
        """Opens or resumes the stream, talks, and returns why that ended."""
        call = self._connect()
        try:
            await self._greet(call)
            await both(self._speak(call), self._listen(call))
        except errors.StepwireError as error:
            return error
        except Exception as error:  # a fault of this library is not to be tried again
            return errors.StepwireError(f"unexpected {error!r}: please report it")
        finally:
            self._connected = False
            call.cancel()
        raise AssertionError("listening ends by an error")

    async def _greet(self, call: Conversation) -> None:
        await call.say(pb.StreamRequest(open=self._open_request))
        try:
            answer = await call.hear()
        except errors.StreamNotFound as error:
            raise self._not_found(error) from error
        if answer.WhichOneof("event") != "opened":
            raise errors.StepwireError("the server does not speak this protocol")
        if self._was_open:
            self._sequence.resumed(answer.opened)
        self._on_connected(answer.opened)
        self._was_open = self._connected = True
        self._going_away = False
        reopen(self._open_request, answer.opened)

    def _not_found(self, error: errors.StreamNotFound) -> errors.StreamNotFound:
        if not self._was_open:
            return error
        return errors.StateLost(f"{error}: its state is lost; open a new stream and start over")

    async def _speak(self, call: Conversation) -> None:
        while True:
            while not self._going_away and (timestep := self._sequence.take_unsent()):
                if not await call.say(timestep.message(time.monotonic())):
                    return
            if self._last_words is not None and not self._sequence.unanswered:
                for message in self._last_words:
                    await call.say(message)
                await call.say_no_more()
                return
            self._news.clear()
            await self._news.wait()

    async def _listen(self, call: Conversation) -> None:
        while True:
            message = await call.hear()
            event = message.WhichOneof("event")
            if event == "going_away":
                self._going_away = True
                continue
            # A connection that only opens has not shown yet that it is any good.
            if self._backoff > _FIRST_BACKOFF:
                self._backoff = _FIRST_BACKOFF
                self._on_recovered()
            if event == "output":
                self._sequence.on_output(message.output)
            elif event == "error":
                self._sequence.on_error(message.error)
            elif event == "durable":
                self._sequence.on_durable(message.durable.durable_step)
            if event == "error" or self._last_words is not None:
                self._news.set()
