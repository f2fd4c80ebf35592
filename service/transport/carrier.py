"""What carries calls: their connection, as they see it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from service.transport.session import Session


class Resumable(Protocol):
    """Who waits for what comes."""

    def resume(self) -> None: ...


class Carrier(Protocol):
    """The connection, as its calls see it."""

    session: Session
    loop: asyncio.AbstractEventLoop
    peer: str
    max_message_bytes: int

    def arrived(self, call: Resumable) -> None:
        """Has `call.resume` called once all that has come is taken."""

    def asked(self, messages: int) -> None:
        """So many messages more wait for their answers."""

    def answered(self, messages: int) -> None:
        """So many fewer do; something is to be sent."""

    def soon(self) -> None:
        """Something is to be sent in this turn."""

    def flush(self) -> None:
        """Sends what may be sent."""
