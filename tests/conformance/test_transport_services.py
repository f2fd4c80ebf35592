"""What others make for `grpc.aio` runs on both transports: health, reflection, interceptors."""

from __future__ import annotations

from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from service.access import tokens
from service.api.guard import Gate, Guard
from service.api.unary import Reader
from stepwire.v1 import state_pb2 as state
from tests.calling import refusal, stream, unary
from tests.transports import Kind, serving


async def test_health_is_watched(kind: Kind) -> None:
    checks = health.aio.HealthServicer()
    states = health_pb2.HealthCheckResponse

    def add(server: Any) -> None:
        health_pb2_grpc.add_HealthServicer_to_server(checks, server)

    async with serving(kind, more=add) as served:
        async with grpc.aio.insecure_channel(served.address) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            assert (await stub.Check(health_pb2.HealthCheckRequest())).status == states.SERVING
            error = await refusal(stub.Check(health_pb2.HealthCheckRequest(service="other")))
            assert error.code() is grpc.StatusCode.NOT_FOUND
            watch = stub.Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == states.SERVING
            error = await refusal(stub.List(health_pb2.HealthListRequest()))
            assert error.code() is grpc.StatusCode.UNIMPLEMENTED
            await checks.enter_graceful_shutdown()
            assert (await watch.read()).status == states.NOT_SERVING


async def test_services_are_listed_by_reflection(kind: Kind) -> None:
    def add(server: Any) -> None:
        reflected = reflection.aio.ReflectionServicer(["some.Service"])
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflected, server)

    async with serving(kind, more=add) as served:
        async with grpc.aio.insecure_channel(served.address) as channel:
            stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
            asked = reflection_pb2.ServerReflectionRequest(list_services="")
            [answer] = [each async for each in stub.ServerReflectionInfo(iter([asked]))]
            [named] = answer.list_services_response.service
            assert named.name == "some.Service"


async def test_interceptors_see_calls_first(kind: Kind, tmp_path: Any) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text("")
    guard = Guard(tokens.watch(file))
    async with serving(kind, interceptors=(Gate(guard), Reader())) as served:
        async with grpc.aio.insecure_channel(served.address) as channel:
            error = await refusal(unary(channel, "Unary", b"x"))
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED
            call = stream(channel)
            assert await call.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_what_is_no_request_is_told_so(kind: Kind) -> None:
    async def serve(request: state.GetStateRequest, context: Any) -> bytes:
        return b""

    method: Any = grpc.unary_unary_rpc_method_handler(serve, state.GetStateRequest.FromString)

    def add(server: Any) -> None:
        handlers = grpc.method_handlers_generic_handler("typed", {"Get": method})
        server.add_generic_rpc_handlers((handlers,))

    async with serving(kind, interceptors=(Reader(),), more=add) as served:
        async with grpc.aio.insecure_channel(served.address) as channel:
            get: Any = channel.unary_unary("/typed/Get")
            error = await refusal(get(b"\xff\xff"))
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
