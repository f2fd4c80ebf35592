from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from service.api.tracing import Tracing, protocol_of
from service.core.blocks import BlockOutputs
from service.core.steps import Output
from service.core.streams import ModelKey, StreamKey
from service.traces.spans import CURRENT, CallSpan, Metadata
from stepwire.inference import inference_pb2 as pb

UNARY, STREAM = "traced.Service/Unary", "traced.Service/Stream"
READY = "traced.Service/Ready"


class Notes:
    """A span that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, int]] = []
        self.ended: list[str] = []

    def about(self, stream: str, model: str, version: int) -> None:
        self.told.append((stream, model, version))

    def stepped(
        self,
        now: float,
        ran: Output | BlockOutputs,
        model: ModelKey,
        stream: StreamKey | None,
    ) -> None:
        """Not of interest here."""

    def end(self, status: str) -> None:
        self.ended.append(status)


class Noting:
    """Traces calls with the metadata `traced`."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.spans: list[Notes] = []

    def begin(self, method: str, protocol: str, metadata: Metadata) -> CallSpan | None:
        self.begun.append((method, protocol))
        if "traced" not in dict(metadata):
            return None
        self.spans.append(Notes())
        return self.spans[-1]

    async def close(self, seconds: float) -> None:
        """Has nothing to send."""


class Service:
    def __init__(self) -> None:
        self.seen: list[CallSpan | None] = []

    async def unary(self, request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        self.seen.append(CURRENT.get())
        if request == b"abort":
            await context.abort(grpc.StatusCode.NOT_FOUND, "no")
        if request == b"raise":
            raise ValueError("unforeseen")
        return request

    async def stream(self, _: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self.seen.append(CURRENT.get())
        await context.write(await context.read())
        await context.read()

    async def ready(self, request: pb.ModelReadyRequest, _: object) -> bytes:
        return request.SerializeToString()

    def handlers(self, name: str) -> grpc.GenericRpcHandler:
        unary: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self.unary)
        stream: grpc.RpcMethodHandler[bytes, bytes]
        stream = grpc.stream_stream_rpc_method_handler(self.stream)
        ready: grpc.RpcMethodHandler[pb.ModelReadyRequest, bytes]
        ready = grpc.unary_unary_rpc_method_handler(self.ready, pb.ModelReadyRequest.FromString)
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]]
        methods = {"Unary": unary, "Stream": stream, "Ready": ready}
        return grpc.method_handlers_generic_handler(name, methods)


class Bench:
    def __init__(self, channel: grpc.aio.Channel, service: Service, tracer: Noting) -> None:
        self.service = service
        self.tracer = tracer
        self._channel = channel

    async def unary(self, request: bytes, method: str = UNARY, traced: bool = True) -> None:
        call: Any = self._channel.unary_unary(f"/{method}")
        assert await call(request, metadata=(("traced", "yes"),) if traced else ()) == request

    def stream(self) -> Any:
        call: Any = self._channel.stream_stream(f"/{STREAM}")
        return call(metadata=(("traced", "yes"),))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    service, tracer = Service(), Noting()
    server = grpc.aio.server(interceptors=[Tracing(tracer, ("traced.Service",))])
    handlers = (service.handlers("traced.Service"), service.handlers("other.Service"))
    server.add_generic_rpc_handlers(handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Bench(channel, service, tracer)
    await server.stop(5)


async def test_a_handler_finds_the_span_of_its_call_alone(bench: Bench) -> None:
    await bench.unary(b"one")
    await bench.unary(b"two", traced=False)
    await bench.unary(b"three", "other.Service/Unary")
    assert bench.service.seen == [bench.tracer.spans[0], None, None]
    assert bench.tracer.begun == [(UNARY, "native")] * 2
    assert bench.tracer.spans[0].ended == ["OK"]


@pytest.mark.parametrize(("request_", "status"), [(b"abort", "NOT_FOUND"), (b"raise", "UNKNOWN")])
async def test_a_span_ends_with_the_status_of_its_call(
    bench: Bench, request_: bytes, status: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await bench.unary(request_)
    assert [span.ended for span in bench.tracer.spans] == [[status]]


@pytest.mark.parametrize(
    ("version", "number"),
    [("7", 7), ("", 0), ("-7", 0), ("\u0667", 0), (str(2**63 - 1), 2**63 - 1), ("1" * 5000, 0)],
)
async def test_a_span_is_told_what_a_request_names_and_no_version_fails_its_call(
    bench: Bench, version: str, number: int
) -> None:
    request = pb.ModelReadyRequest(name="gru", version=version)
    await bench.unary(request.SerializeToString(), READY)
    [span] = bench.tracer.spans
    assert span.told == [("", "gru", number)]
    assert span.ended == ["OK"]


@pytest.mark.parametrize(("cancel", "status"), [(False, "OK"), (True, "CANCELLED")])
async def test_a_stream_ends_as_its_client_ends_it(bench: Bench, cancel: bool, status: str) -> None:
    call = bench.stream()
    await call.write(b"one")
    assert await call.read() == b"one"
    [span] = bench.tracer.spans
    assert not span.ended
    if cancel:
        call.cancel()
        while not span.ended:  # what the server does then has no event
            await bench.unary(b"meanwhile", traced=False)
    else:
        await call.done_writing()
        await call.code()
    assert span.ended == [status]


@pytest.mark.parametrize(
    ("method", "protocol"),
    [
        ("stepwire.v1.StreamInference/Stream", "native"),
        ("stepwire.v1.StreamInference/Fleet", "fleet"),
        ("inference.GRPCInferenceService/ModelStreamInfer", "inference"),
        ("stepwire.v1.StreamState/Get", "native"),
    ],
)
def test_protocols_are_named_as_in_the_metrics(method: str, protocol: str) -> None:
    assert protocol_of(method) == protocol
