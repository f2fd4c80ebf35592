"""Writing to a call: where a message is made, or by its handler."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

import grpc

Response = TypeVar("Response")


class Writing(Generic[Response]):
    """Messages go in the order in which they are offered and written: while a write waits for
    the client, no offer is taken.
    """

    def __init__(self, context: grpc.aio.ServicerContext[Any, Response]) -> None:
        self._context = context
        self._offer: Callable[[Response], bool] | None = getattr(context, "offer", None)
        """Of a transport that can write at once, and says where it cannot."""
        self.write: Callable[[Response], Coroutine[Any, Any, None]]
        """One task at a time. Raises what the context does."""
        self.write = self._write if self._offer else context.write
        self._is_waiting = False

    @property
    def takes_offers(self) -> bool:
        """Whether it is worth while to make a message."""
        return self._offer is not None and not self._is_waiting

    def offer(self, message: Response) -> bool:
        """Writes, where that needs no waiting; False: nothing has happened. Raises nothing."""
        if self._offer is None or self._is_waiting:
            return False
        try:
            return self._offer(message)
        except grpc.aio.AbortError:
            return False  # the message was too large, and so the call has ended

    async def _write(self, message: Response) -> None:
        self._is_waiting = True
        try:
            await self._context.write(message)
        finally:
            self._is_waiting = False
