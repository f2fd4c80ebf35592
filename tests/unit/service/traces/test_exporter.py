from __future__ import annotations

import logging

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from service.traces.exporter import Exporter

TAKEN, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
PLACE = "https://collector:4318/otlp/v1/traces"


def test_that_spans_are_lost_is_told_once_until_they_are_taken_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    results = [TAKEN, LOST, LOST, LOST, TAKEN, TAKEN, LOST]
    monkeypatch.setattr(OTLPSpanExporter, "export", lambda *_: results.pop(0))
    exporter = Exporter("https://me:s3cret@collector:4318/otlp/")
    while results:
        exporter.export([])
    assert caplog.messages == [
        f"spans are lost: {PLACE} does not take them",
        f"spans are sent to {PLACE} again",
        f"spans are lost: {PLACE} does not take them",
    ]


def test_a_header_that_cannot_be_read_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Bearer s3cret")
    with caplog.at_level(logging.DEBUG):
        Exporter("http://collector:4318")
    assert "s3cret" not in caplog.text
