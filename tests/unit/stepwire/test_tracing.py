from __future__ import annotations

import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_span_id, format_trace_id

from stepwire.tracing import trace_context


def test_outside_a_span_nothing_is_told() -> None:
    assert trace_context() == ()


def test_the_current_span_is_told() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    with provider.get_tracer("test").start_as_current_span("robot") as span:
        told = dict(trace_context())
    ids = span.get_span_context()
    expected = f"00-{format_trace_id(ids.trace_id)}-{format_span_id(ids.span_id)}-"
    assert told["traceparent"].startswith(expected)
    assert told["traceparent"].removeprefix(expected) in ("01", "03")  # sampled, and by chance


def test_a_program_without_opentelemetry_has_no_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert trace_context() == ()
