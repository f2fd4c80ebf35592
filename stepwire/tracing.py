"""The caller's span, if it has one, as the server may take it for the parent of its own."""

from __future__ import annotations

import sys

from stepwire.channel import Metadata


def trace_context() -> Metadata:
    """`traceparent` and `tracestate` of the current OpenTelemetry span; nothing without one."""
    if "opentelemetry.trace" not in sys.modules:
        return ()  # whoever has a span has imported it
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return tuple(carrier.items())
