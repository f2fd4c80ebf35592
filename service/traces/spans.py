"""Spans as the edge sees them: a call has one, or None where it is not traced."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Protocol

from service.core.blocks import BlockOutputs
from service.core.steps import Output
from service.core.streams import ModelKey, StreamKey

Metadata = Iterable[tuple[str, str | bytes]]


class CallSpan(Protocol):
    def about(self, stream: str, model: str, version: int) -> None:
        """What the whole call is for; "" and 0: not for one alone."""

    def stepped(
        self, now: float, ran: Output | BlockOutputs, model: ModelKey, stream: StreamKey | None
    ) -> None:
        """Is told of each message whose timesteps ran, as gRPC is given it.

        `now`: on the server's clock, as `ran.finished`. `stream` None: of many.
        """

    def end(self, status: str) -> None:
        """`status`: the name of gRPC's code."""


class Tracer(Protocol):
    def begin(self, method: str, protocol: str, metadata: Metadata) -> CallSpan | None:
        """The span of a call, or None if it is not to be traced.

        `method`: SERVICE/METHOD. `metadata`: what the client has sent with the call.
        """

    async def close(self, seconds: float) -> None:
        """Has the spans that have ended sent, for so long at most."""


CURRENT: ContextVar[CallSpan | None] = ContextVar("stepwire-span", default=None)
"""Of the call that is being served."""
