"""Unary calls: errors of the service end them with their status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError

from service.api.errors import abort
from service.api.interceptor import Around, Handler
from service.core.errors import InvalidRequest, ServiceError

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


class Reader(Around):
    """Answers bytes that are no request of a unary method as an invalid request.

    gRPC would answer UNKNOWN, and log a traceback for each.
    """

    def around(self, handler: Handler, method: str) -> Handler:
        if not handler.unary_unary or not handler.request_deserializer:
            return handler
        return _reading(handler.unary_unary, handler.request_deserializer, handler)


def _reading(
    serve: Callable[[Any, Any], Any], parse: Callable[[bytes], Any], handler: Handler
) -> Handler:
    def read(data: bytes) -> Any:
        try:
            return parse(data)
        except DecodeError as error:
            return InvalidRequest(f"not a request of this method: {error}")

    async def call(request: Any, context: Context) -> Any:
        if isinstance(request, InvalidRequest):
            await abort(context, request)
        return await serve(request, context)

    return grpc.unary_unary_rpc_method_handler(call, read, handler.response_serializer)
