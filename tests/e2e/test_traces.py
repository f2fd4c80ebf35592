"""Traces of a server, as who takes them over OTLP gets them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_span_id, format_trace_id

import stepwire
from service.access.credentials import Credential, hash_token, make_token
from service.access.tokens import entry
from stepwire import sync
from stepwire.errors import ModelNotFound
from stepwire.inference import inference_pb2 as pb
from stepwire.inference import inference_pb2_grpc as pb_grpc
from stepwire.v1 import repository_pb2, repository_pb2_grpc
from tests import graphs
from tests.e2e.inferring import request
from tests.e2e.secured import bearer
from tests.spans import Receiver, attributes
from torture.processes import Server, running
from torture.programs import free_ports

SPAN = "00f067aa0ba902b7"
ONE = np.ones((1, 1), np.float32)
STEPS = 5
QUICKLY = ("OTEL_BSP_SCHEDULE_DELAY", "20")


@pytest.fixture(scope="module")
def adders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of one small model."""
    root = tmp_path_factory.mktemp("adders")
    graphs.put(root, "accumulator", graphs.accumulator_package())
    return root


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def traced(
    adders: Path, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that traces no call but those whose clients ask for it."""
    log = tmp_path_factory.mktemp("traced") / "log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*QUICKLY)
        flags = ("--otlp-endpoint", receiver.url, "--trace-sample", "0")
        with running(adders, *flags, log=log) as server:
            yield server


def context(trace_id: str, sampled: bool = True) -> tuple[tuple[str, str], ...]:
    return (("traceparent", f"00-{trace_id}-{SPAN}-{int(sampled):02x}"), ("tracestate", "of=me"))


def check_step(step: Span, call: Span, model: str = "accumulator") -> None:
    """A step is within its call, and its parts follow each other."""
    assert step.name == "step" and step.parent_span_id == call.span_id
    told = attributes(step.attributes)
    assert told["stepwire.model.name"] == model and told["stepwire.batch_size"] == 1
    compute, write = step.events
    assert (compute.name, write.name) == ("compute", "write")
    begun, run, ran = step.start_time_unix_nano, compute.time_unix_nano, write.time_unix_nano
    parts = [run - begun, ran - run, step.end_time_unix_nano - ran]
    seconds = [float(told[f"stepwire.{each}_seconds"]) for each in ("queue", "compute", "write")]
    assert [part / 1e9 for part in parts] == pytest.approx(seconds, abs=2e-6)
    assert call.start_time_unix_nano <= begun + 1e6
    assert step.end_time_unix_nano <= call.end_time_unix_nano + 1e6


def check_call(call: Span, method: str, **more: str | int) -> None:
    assert call.kind == Span.SPAN_KIND_SERVER and call.name == method
    told = {name.replace(".", "_"): value for name, value in attributes(call.attributes).items()}
    assert told.items() >= {"rpc_system_name": "grpc", "rpc_method": method, **more}.items()


@pytest.mark.parametrize("kind", ["asyncio", "threads"])
async def test_a_stream_is_a_child_of_the_span_that_it_was_opened_in(
    traced: Server, receiver: Receiver, kind: str
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    with provider.get_tracer("client").start_as_current_span("robot") as mine:
        if kind == "threads":
            with sync.connect(traced.address) as client:
                with client.stream("accumulator", stream_id=f"arm-{kind}") as stream:
                    for _ in range(STEPS):
                        stream.step(ONE[0])
        else:
            async with stepwire.connect(traced.address) as client:
                async with client.stream("accumulator", stream_id=f"arm-{kind}") as stream:
                    for _ in range(STEPS):
                        await stream.step(ONE[0])
    ids = mine.get_span_context()
    step, call = receiver.trace(format_trace_id(ids.trace_id), 2)
    assert call.parent_span_id.hex() == format_span_id(ids.span_id)
    check_call(
        call,
        "stepwire.v1.StreamInference/Stream",
        rpc_response_status_code="OK",
        stepwire_protocol="native",
        stepwire_stream_id=f"arm-{kind}",
        stepwire_model_name="accumulator",
        stepwire_model_version=1,
        stepwire_steps=STEPS,
    )
    check_step(step, call)
    assert attributes(step.attributes)["stepwire.step"] == 0
    assert attributes(step.attributes)["stepwire.stream.id"] == f"arm-{kind}"


async def test_a_call_of_sequences_is_a_child_of_the_context_in_its_metadata(
    traced: Server, receiver: Receiver
) -> None:
    trace_id = secrets.token_hex(16)
    async with grpc.aio.insecure_channel(traced.address) as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        call = stub.ModelStreamInfer(metadata=context(trace_id))
        for number in range(STEPS):
            await call.write(request(number))
            assert isinstance(await call.read(), pb.ModelStreamInferResponse)
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK
    step, span = receiver.trace(trace_id, 2)
    assert (span.parent_span_id.hex(), span.trace_state) == (SPAN, "of=me")
    method = "inference.GRPCInferenceService/ModelStreamInfer"
    check_call(span, method, stepwire_protocol="inference", stepwire_steps=STEPS)
    check_step(step, span)


async def test_one_request_of_a_sequence_is_a_call_and_a_step(
    traced: Server, receiver: Receiver
) -> None:
    trace_id = secrets.token_hex(16)
    async with grpc.aio.insecure_channel(traced.address) as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        await stub.ModelInfer(request(0), metadata=context(trace_id))
    step, call = receiver.trace(trace_id, 2)
    method = "inference.GRPCInferenceService/ModelInfer"
    check_call(call, method, stepwire_model_name="accumulator", stepwire_steps=1)
    check_step(step, call)


async def test_a_fleet_has_a_span_for_a_message_of_many(traced: Server, receiver: Receiver) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    with provider.get_tracer("client").start_as_current_span("robots") as mine:
        async with stepwire.connect(traced.address) as client:
            async with client.fleet("accumulator", 3) as fleet:
                for _ in range(STEPS):
                    await fleet.step(np.ones((3, 1), np.float32))
    trace_id = format_trace_id(mine.get_span_context().trace_id)
    spans = receiver.await_spans(
        lambda span: span.trace_id.hex() == trace_id and span.name.endswith("/Fleet"), 1
    )
    check_call(spans[0], "stepwire.v1.StreamInference/Fleet", stepwire_protocol="fleet")
    told = attributes(spans[0].attributes)
    assert 2 * STEPS <= int(told["stepwire.steps"]) <= 3 * STEPS
    [step, *_] = receiver.await_spans(lambda span: span.parent_span_id == spans[0].span_id, 1)
    assert 1 <= int(attributes(step.attributes)["stepwire.steps"]) <= 3


async def test_a_unary_call_says_what_it_is_about_and_how_it_ended(
    traced: Server, receiver: Receiver
) -> None:
    trace_id = secrets.token_hex(16)
    async with grpc.aio.insecure_channel(traced.address) as channel:
        stub = repository_pb2_grpc.ModelRepositoryStub(channel)
        asked = repository_pb2.DescribeModelRequest(model="missing", version=2**64 - 1)
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Describe(asked, metadata=context(trace_id))
    [call] = receiver.trace(trace_id, 1)
    check_call(
        call,
        "stepwire.v1.ModelRepository/Describe",
        rpc_response_status_code="NOT_FOUND",
        stepwire_model_name="missing",
    )
    assert call.status.code == Status.STATUS_CODE_UNSET  # the client's fault


async def test_a_client_that_does_not_sample_is_not_traced(
    traced: Server, receiver: Receiver
) -> None:
    untraced, after = secrets.token_hex(16), secrets.token_hex(16)
    async with grpc.aio.insecure_channel(traced.address) as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        for metadata in (context(untraced, sampled=False), None, context(after)):
            await stub.ModelInfer(request(0), metadata=metadata)
    receiver.trace(after, 2)
    assert not [span for span in receiver.spans if span.trace_id.hex() == untraced]
    assert all(span.parent_span_id for span in receiver.spans)


async def test_a_stranger_has_no_call_traced(adders: Path, tmp_path: Path) -> None:
    token, tokens = make_token(), tmp_path / "tokens.toml"
    tokens.write_text(entry(Credential("robot", hash_token(token), "plant", ("*",))))
    tokens.chmod(0o600)
    with Receiver() as receiver:
        flags = ("--otlp-endpoint", receiver.url, "--tokens", str(tokens))
        with running(adders, *flags, log=tmp_path / "log") as server:
            async with grpc.aio.insecure_channel(server.address) as channel:
                stub = pb_grpc.GRPCInferenceServiceStub(channel)
                metadata = context(secrets.token_hex(16))
                with pytest.raises(grpc.aio.AioRpcError):
                    await stub.ModelInfer(request(0), metadata=metadata)
                await stub.ModelInfer(request(0), metadata=metadata + bearer(token))
            server.terminate()
            assert server.wait() == 0
        step, call = receiver.spans
        assert token not in server.log + str(receiver.spans)
    assert attributes(step.attributes)["stepwire.stream.id"] == "plant/accumulator/int/7"
    check_call(call, "inference.GRPCInferenceService/ModelInfer", rpc_response_status_code="OK")


def test_workers_trace_the_share_and_send_all_before_they_stop(
    adders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    flags = ("--workers", "2", "--store", f"sqlite:{tmp_path / 'streams.db'}")
    with Receiver() as receiver:
        tracing = ("--otlp-endpoint", receiver.url, "--trace-sample", "1")
        with running(adders, *flags, *tracing, log=tmp_path / "log") as server:
            with sync.connect(server.address) as client:
                with client.stream("accumulator") as stream:
                    stream.step(ONE[0])
                with pytest.raises(ModelNotFound), client.stream("missing"):
                    pass
            server.terminate()
            assert server.wait() == 0
        calls = [span for span in receiver.spans if span.kind == Span.SPAN_KIND_SERVER]
    told = [attributes(call.attributes)["rpc.response.status_code"] for call in calls]
    assert sorted(map(str, told)) == ["NOT_FOUND", "OK"]
    assert not any(call.parent_span_id for call in calls)
    assert all(of["service.name"] == "stepwire" for of in receiver.resources)
    assert all(of["deployment.environment.name"] == "test" for of in receiver.resources)
    assert {each["authorization"] for each in receiver.headers} == {"Bearer s3cret"}
    assert "s3cret" not in server.log


def test_an_endpoint_that_is_away_holds_nothing_up_and_is_told_of_once(
    adders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*QUICKLY)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Bearer s3cret")  # not as it has to be
    [port] = free_ports(1)
    flags = ("--otlp-endpoint", f"http://me:pass@127.0.0.1:{port}", "--trace-sample", "1")
    with running(adders, *flags, "--grace", "20", log=tmp_path / "log") as server:
        with sync.connect(server.address) as client:
            deadline = time.monotonic() + 60
            while "does not take them" not in server.log:
                assert time.monotonic() < deadline, server.log
                with client.stream("accumulator") as stream:
                    stream.step(ONE[0])
            with client.stream("accumulator") as stream:
                stream.step(ONE[0])
        stopping = time.monotonic()
        server.terminate()
        assert server.wait() == 0
        assert time.monotonic() - stopping < 25  # the SDK alone would wait for 30 s
    warnings = [line for line in server.log.splitlines() if " INFO " not in line]
    assert len(warnings) == 1, warnings
    place = f"http://127.0.0.1:{port}/v1/traces"
    assert warnings[0].endswith(f"spans are lost: {place} does not take them")
