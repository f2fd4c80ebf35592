"""Interceptors that serve calls with a handler around the one that is registered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Around(grpc.aio.ServerInterceptor):
    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        return self.around(handler, handler_call_details.method.removeprefix("/"))

    @abstractmethod
    def around(self, handler: Handler, method: str) -> Handler:
        """The handler to serve a call with. `method`: SERVICE/METHOD."""
