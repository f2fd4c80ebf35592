"""Unary calls: errors of the service end them with their status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

import grpc

from service.api.errors import abort
from service.core.errors import ServiceError

Context = grpc.aio.ServicerContext[Any, Any]
Servicer = TypeVar("Servicer")
Request = TypeVar("Request")
Response = TypeVar("Response")


def told(
    serve: Callable[[Servicer, Request, Context], Awaitable[Response]],
) -> Callable[[Servicer, Request, Context], Coroutine[Any, Any, Response]]:
    @wraps(serve)
    async def call(self: Servicer, request: Request, context: Context) -> Response:
        try:
            return await serve(self, request, context)
        except ServiceError as error:
            await abort(context, error)

    return call
