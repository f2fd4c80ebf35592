"""Spans of calls, in the terms of OpenTelemetry.

Attributes of calls: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
"""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import Span, SpanKind, StatusCode, get_current_span, set_span_in_context
from opentelemetry.trace import Tracer as Maker
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from service.core.blocks import BlockOutputs
from service.core.steps import Output
from service.core.streams import ModelKey, StreamKey
from service.traces.spans import Metadata

_INT64 = 2**63 - 1
"""A larger number would cost all spans that are sent with it."""
_LONGEST_TEXT = 256
"""Characters of what a client may name."""
_STEP_EVERY = 1.0
"""Seconds from one span of a step to the next of the same call."""
_FAULTS = {
    "UNKNOWN",
    "DEADLINE_EXCEEDED",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
}
"""The codes that are the server's fault, by the conventions."""
_CONTEXT = TraceContextTextMapPropagator()


class OpenTelemetry:
    """Implements `Tracer`; a thread of the SDK sends the spans."""

    def __init__(self, exporter: SpanExporter, share: float) -> None:
        """Raises ValueError for what the environment variables of OpenTelemetry say."""
        self._share = share
        self._provider = TracerProvider(
            sampler=ParentBased(ALWAYS_ON),
            resource=_resource(),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attribute_length=_LONGEST_TEXT),
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._maker = self._provider.get_tracer("stepwire", version("stepwire"))

    def begin(self, method: str, protocol: str, metadata: Metadata) -> CallSpan | None:
        """Of a call without a context of its own the share is traced."""
        parent = _parent(metadata)
        given = get_current_span(parent).get_span_context().is_valid
        if not given and random.random() >= self._share:
            return None  # the sampler of the SDK would take 40 µs to say so
        attributes = {
            "rpc.system.name": "grpc",
            "rpc.method": method,
            "stepwire.protocol": protocol,
        }
        span = self._maker.start_span(method, parent, SpanKind.SERVER, attributes)
        return CallSpan(self._maker, span) if span.is_recording() else None

    async def close(self, seconds: float) -> None:
        # The SDK would wait for a silent endpoint for half a minute.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, seconds)


class CallSpan:
    def __init__(self, maker: Maker, span: Span) -> None:
        self._maker = maker
        self._span = span
        self._context = set_span_in_context(span, Context())
        self._steps = 0
        self._told = -math.inf

    def about(self, stream: str, model: str, version: int) -> None:
        self._span.set_attributes(_names(stream, model, version))

    def stepped(
        self, now: float, ran: Output | BlockOutputs, model: ModelKey, stream: StreamKey | None
    ) -> None:
        self._steps += len(ran.handles) if isinstance(ran, BlockOutputs) else 1
        if now - self._told >= _STEP_EVERY:
            self._told = now
            named = _names(str(stream or ""), *model)
            self._tell(ran, now - ran.finished, time.time(), named)

    def _tell(
        self,
        ran: Output | BlockOutputs,
        written: float,
        now: float,
        named: dict[str, AttributeValue],
    ) -> None:
        """A span of a step. `written`: seconds; `now`: since 1970."""
        finished = now - written
        begun = finished - ran.computed
        span = self._maker.start_span(
            "step", self._context, attributes=named, start_time=_ns(begun - ran.queued)
        )
        span.set_attributes(
            {
                "stepwire.batch_size": ran.batch_size,
                "stepwire.queue_seconds": ran.queued,
                "stepwire.compute_seconds": ran.computed,
                "stepwire.write_seconds": written,
            }
        )
        if isinstance(ran, BlockOutputs):
            span.set_attribute("stepwire.steps", len(ran.handles))
        else:
            span.set_attribute("stepwire.step", ran.number & _INT64)
        span.add_event("compute", timestamp=_ns(begun))
        span.add_event("write", timestamp=_ns(finished))
        span.end(_ns(now))

    def end(self, status: str) -> None:
        self._span.set_attribute("rpc.response.status_code", status)
        self._span.set_attribute("stepwire.steps", self._steps)
        if status in _FAULTS:
            self._span.set_attribute("error.type", status)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def _parent(metadata: Metadata) -> Context:
    """What the client says of its own span; https://www.w3.org/TR/trace-context/."""
    given: dict[str, list[str]] = {}
    for name, value in metadata:
        if name in _CONTEXT.fields and isinstance(value, str):
            given.setdefault(name, []).append(value)
    return _CONTEXT.extract(given) if given else Context()


def _names(stream: str, model: str, version: int) -> dict[str, AttributeValue]:
    """Attributes of what is named."""
    names: dict[str, AttributeValue] = {}
    if stream:
        names["stepwire.stream.id"] = stream
    if model:
        names["stepwire.model.name"] = model
    if version:
        names["stepwire.model.version"] = version & _INT64
    return names


def _resource() -> Resource:
    """The environment variables of OpenTelemetry go before what is known here."""
    known = {"service.name": "stepwire", "service.version": version("stepwire")}
    return Resource.create(known).merge(OTELResourceDetector().detect())


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
