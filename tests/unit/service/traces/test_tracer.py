from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.core.blocks import BlockOutputs
from service.core.lateness import Verdict
from service.core.steps import Output
from service.core.streams import ModelKey, StreamKey
from service.traces.spans import CallSpan, Metadata
from service.traces.tracer import OpenTelemetry

METHOD = "stepwire.v1.StreamInference/Stream"
MODEL = ModelKey("sine", 3)
STREAM = StreamKey("", "arm-7")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED = (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"),)
UNSAMPLED = (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-00"),)
BROKEN = (("traceparent", "00-nonsense-01"), ("traceparent-bin", b"\xff"))


def output(number: int, finished: float) -> Output:
    return Output(number, (b"",), Verdict.ON_TIME, 2, 0.25, 0.5, finished)


def block(streams: int, finished: float) -> BlockOutputs:
    handles = np.arange(streams, dtype=np.uint32)
    return BlockOutputs(handles, handles.astype(np.int64), (), None, streams, 0.25, 0.5, finished)


def begun(tracer: OpenTelemetry, metadata: Metadata = SAMPLED) -> CallSpan:
    span = tracer.begin(METHOD, "native", metadata)
    assert span is not None
    return span


async def sent(tracer: OpenTelemetry, exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    await tracer.close(10)
    return list(exporter.get_finished_spans())


@pytest.mark.parametrize(
    ("metadata", "share", "traced"),
    [
        (SAMPLED, 0.0, True),
        (UNSAMPLED, 1.0, False),
        ((), 0.0, False),
        ((), 1.0, True),
        (BROKEN, 0.0, False),
        (BROKEN, 1.0, True),
    ],
)
def test_the_client_decides_or_else_the_share(
    metadata: Metadata, share: float, traced: bool
) -> None:
    tracer = OpenTelemetry(InMemorySpanExporter(), share)
    assert (tracer.begin(METHOD, "native", metadata) is not None) is traced


async def test_a_call_has_at_most_one_span_of_a_step_in_a_second_and_counts_them_all() -> None:
    exporter = InMemorySpanExporter()
    tracer = OpenTelemetry(exporter, 0)
    span = begun(tracer)
    for number in range(40):  # 20 a second
        span.stepped(number * 0.05, output(number, number * 0.05 - 0.01), MODEL, STREAM)
    span.end("OK")
    *steps, call = await sent(tracer, exporter)
    numbers = [each.attributes and each.attributes["stepwire.step"] for each in steps]
    assert numbers == [0, 20]
    assert call.attributes and call.attributes["stepwire.steps"] == 40


async def test_a_step_is_told_with_its_parts() -> None:
    exporter = InMemorySpanExporter()
    tracer = OpenTelemetry(exporter, 0)
    span = begun(tracer)
    span.stepped(100.125, output(2**63 + 5, 100.0), MODEL, STREAM)
    span.end("OK")
    step, call = await sent(tracer, exporter)
    assert step.parent == call.context
    assert step.attributes == {
        "stepwire.stream.id": "arm-7",
        "stepwire.model.name": "sine",
        "stepwire.model.version": 3,
        "stepwire.batch_size": 2,
        "stepwire.queue_seconds": 0.25,
        "stepwire.compute_seconds": 0.5,
        "stepwire.write_seconds": 0.125,
        "stepwire.step": 5,  # OTLP has no larger numbers than 2^63 - 1
    }
    assert step.start_time and step.end_time
    times = [step.start_time, *(event.timestamp for event in step.events), step.end_time]
    assert [event.name for event in step.events] == ["compute", "write"]
    assert np.diff(times) / 1e9 == pytest.approx([0.25, 0.5, 0.125], abs=1e-6)


async def test_a_message_of_many_streams_is_one_step_and_counts_as_many() -> None:
    exporter = InMemorySpanExporter()
    tracer = OpenTelemetry(exporter, 0)
    span = begun(tracer)
    for second in range(2):
        span.stepped(second / 4, block(3, second / 4), MODEL, None)
    span.end("OK")
    step, call = await sent(tracer, exporter)
    assert step.attributes and step.attributes["stepwire.steps"] == 3
    assert "stepwire.stream.id" not in step.attributes
    assert call.attributes and call.attributes["stepwire.steps"] == 6


@pytest.mark.parametrize(
    ("status", "error"), [("OK", None), ("NOT_FOUND", None), ("INTERNAL", "INTERNAL")]
)
async def test_only_what_is_the_servers_fault_is_an_error(status: str, error: str | None) -> None:
    exporter = InMemorySpanExporter()
    tracer = OpenTelemetry(exporter, 0)
    begun(tracer).end(status)
    [call] = await sent(tracer, exporter)
    assert call.attributes and call.attributes["rpc.response.status_code"] == status
    assert call.attributes.get("error.type") == error
    assert call.status.is_ok is (error is None)


async def test_what_a_client_names_is_cut() -> None:
    exporter = InMemorySpanExporter()
    tracer = OpenTelemetry(exporter, 0)
    span = begun(tracer)
    span.about("id" * 1000, "model" * 1000, 2**64 - 1)
    span.end("OK")
    [call] = await sent(tracer, exporter)
    assert call.attributes and call.attributes["stepwire.model.version"] == 2**63 - 1
    assert max(len(str(value)) for value in call.attributes.values()) == 256


class Silent(SpanExporter):
    """Takes spans, and answers when it is let."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.let = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.let.wait(60)
        return SpanExportResult.SUCCESS


async def test_who_does_not_answer_is_not_waited_for() -> None:
    exporter = Silent()
    tracer = OpenTelemetry(exporter, 0)
    begun(tracer).end("OK")
    try:
        async with asyncio.timeout(20):
            await tracer.close(0.01)
        assert await asyncio.to_thread(exporter.asked.wait, 20)
    finally:
        exporter.let.set()
