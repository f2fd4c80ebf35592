"""What a handler reads of its call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from service.transport.arrival import Arrival
from service.transport.carrier import Carrier
from service.transport.compression import Packed, unpacked
from service.transport.framing import PREFIX_BYTES, Assembler
from service.transport.metadata import Request
from service.transport.refusals import Refused
from service.transport.status import Status

_AT_ONCE = 8 * 1024
"""Bytes read before the client may send as many more: far below the window."""


class Reading(Status, ABC):
    """Bytes that are not read keep the client from sending more than a window, save that a
    message longer than that is taken whole.
    """

    def __init__(self, carrier: Carrier, number: int, request: Request) -> None:
        super().__init__()
        self.parse: Callable[[bytes], Any] | None = None
        self.is_misread = False
        """Whether a message was none of the method's."""
        self._carrier = carrier
        self._number = number
        self._inbox = Assembler(carrier.max_message_bytes, request.encoding)
        self._encoding = request.encoding
        self._held = self._freed = 0
        self._is_over = False
        self._arrival = Arrival(carrier.loop)
        self._hear: Callable[[Any], bool] | None = None

    def half_closed(self) -> None:
        self._is_over = True
        self._wake()

    def _take_in(self, data: bytes) -> int:
        """How many messages it completes. Raises Refused."""
        self._held += len(data)
        found = self._inbox.feed(data)
        if not self._inbox.messages:
            self._free(self._held)
        return found

    def _wake(self) -> None:
        if self._arrival.is_awaited:
            self._carrier.arrived(self)

    def resume(self) -> None:
        """Tells who attends, or resumes who reads. Only from the loop itself."""
        if self._hear is not None:
            if self._tell(self._hear):
                return
            self._hear = None
        self._arrival.come()

    async def read(self) -> Any:
        """The next message, without a turn of the loop where it is there; grpc.aio.EOF where the
        client has sent its last, or left.

        Raises what the deserialiser does, AbortError after an abort and UsageError after the end.
        """
        if self.is_ended:
            self._check()
        messages = self._inbox.messages
        while not messages or self.is_gone:
            if self._is_over:
                return grpc.aio.EOF
            if self._arrival.is_awaited:
                raise grpc.aio.UsageError("a read is under way already")
            await self._arrival
        try:
            return self._taken()
        except Refused as error:
            self._refuse(error)
            return grpc.aio.EOF

    @abstractmethod
    def _refuse(self, error: Refused) -> None:
        """Ends the call."""

    def _taken(self) -> Any:
        """The oldest message that is there. Raises Refused, and what the deserialiser does."""
        messages = self._inbox.messages
        message = messages.popleft()
        # What came of it while nothing else waited has been given back already.
        size = len(message) + PREFIX_BYTES
        self._free(min(size, self._held) if messages else self._held)
        if type(message) is Packed:
            message = unpacked(message, self._encoding, self._carrier.max_message_bytes)
        if self.parse is None:
            return message
        try:
            return self.parse(message)
        except Exception:
            self.is_misread = True
            raise

    async def attend(self, hear: Callable[[Any], bool]) -> bool:
        """Gives each message to `hear` where it arrives, without a turn of a task, until that
        returns False; `hear` raises nothing. False: the client has sent its last, or left.

        For methods without a deserialiser.
        """
        while self._tell(hear):
            self._hear = hear
            try:
                await self._arrival
                if self._hear is None:
                    break  # it was told all that it wants
            finally:
                self._hear = None
        return not self.done() and (bool(self._inbox.messages) or not self._is_over)

    def _tell(self, hear: Callable[[Any], bool]) -> bool:
        """Whether more is wanted, and to come."""
        messages = self._inbox.messages
        while messages and not self.done():
            try:
                message = self._taken()
            except Refused as error:
                self._refuse(error)
                return False
            if not hear(message):
                return False
        return not self._is_over

    async def requests(self) -> AsyncIterator[Any]:
        """Every message up to the last."""
        while (message := await self.read()) is not grpc.aio.EOF:
            yield message

    def _free(self, size: int) -> None:
        """Lets the client send as many bytes more."""
        self._held -= size
        self._freed += size
        if self._freed >= _AT_ONCE and not self._is_over:
            self._carrier.session.consume(self._number, self._freed)
            self._freed = 0
            self._carrier.soon()
