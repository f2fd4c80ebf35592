"""Traced calls: each has its span from before its handler begins until it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import grpc

from service.api.inference.versions import DIGITS
from service.api.interceptor import Around, Handler
from service.traces.spans import CURRENT, CallSpan, Tracer

Context = grpc.aio.ServicerContext[Any, Any]


class Tracing(Around):
    def __init__(self, tracer: Tracer, services: Sequence[str]) -> None:
        """`services`: whose calls may be traced, by their full names."""
        self._tracer = tracer
        self._services = services

    def around(self, handler: Handler, method: str) -> Handler:
        if method.partition("/")[0] not in self._services:
            return handler
        forms = handler.request_deserializer, handler.response_serializer
        if handler.unary_unary:
            serve = self._traced(handler.unary_unary, method)
            return grpc.unary_unary_rpc_method_handler(serve, *forms)
        assert handler.stream_stream, "the services have no other kinds of methods"
        serve = self._traced(handler.stream_stream, method)
        return grpc.stream_stream_rpc_method_handler(serve, *forms)

    def _traced(self, serve: Callable[[Any, Any], Any], method: str) -> Callable[[Any, Any], Any]:
        async def call(request: Any, context: Context) -> Any:
            metadata = context.invocation_metadata() or ()
            span = self._tracer.begin(method, protocol_of(method), metadata)
            if span is None:
                return await serve(request, context)
            status = grpc.StatusCode.UNKNOWN
            CURRENT.set(span)
            try:
                _tell(span, request)
                response = await serve(request, context)
                await asyncio.sleep(0)  # the requests of a call end before it is cancelled
                status = _code(context)
                return response
            except grpc.aio.AbortError:
                status = _code(context)
                raise
            except asyncio.CancelledError:
                status = grpc.StatusCode.CANCELLED
                raise
            finally:
                span.end(status.name)

        return call


def protocol_of(method: str) -> str:
    """As the metrics name it."""
    if method.endswith("/Fleet"):
        return "fleet"
    return "inference" if method.startswith("inference.") else "native"


def _code(context: Context) -> grpc.StatusCode:
    """As the handler has set it."""
    found = context.code() or 0
    return next(code for code in grpc.StatusCode if found in (code, code.value[0]))


def _tell(span: CallSpan, request: object) -> None:
    """What the message of a unary call names."""
    stream = _named(request, "stream_id")
    model = _named(request, "model", "model_name", "name")
    version = _named(request, "version", "model_version")
    span.about(stream, model, _number(version))


def _number(version: str) -> int:
    """0 of what is none; a handler says so."""
    known = version.isascii() and version.isdigit() and len(version) <= DIGITS
    return int(version) if known else 0


def _named(request: object, *fields: str) -> str:
    """The first of the fields that the message has."""
    return next((str(getattr(request, each)) for each in fields if hasattr(request, each)), "")
