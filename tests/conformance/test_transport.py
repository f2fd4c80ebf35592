"""Both transports, seen by gRPC's own client: the same scenes, the same answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from service.access import tokens
from service.api.guard import Gate, Guard
from service.api.unary import Reader
from stepwire.v1 import state_pb2 as state
from tests.transports import LARGEST, Kind, Served, serving

BIG = bytes(range(256)) * 1200
"""300 KB: more than a window of HTTP/2."""
PATIENCE = 20.0
DEADLINE = 0.1


@pytest.fixture(params=["grpc", "nghttp2"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
async def served(kind: Kind) -> AsyncIterator[Served]:
    async with serving(kind) as found:
        yield found


@pytest.fixture
async def channel(served: Served) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(served.address) as found:
        yield found


def stream(channel: grpc.aio.Channel, method: str = "Echo", **how: Any) -> Any:
    call: Any = channel.stream_stream(f"/scenes/{method}")
    return call(**how)


def unary(channel: grpc.aio.Channel, method: str, request: bytes = b"", **how: Any) -> Any:
    call: Any = channel.unary_unary(f"/scenes/{method}")
    return call(request, **how)


async def refusal(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.005)


async def heard(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), PATIENCE)


async def test_a_unary_call_is_answered(channel: grpc.aio.Channel) -> None:
    assert await unary(channel, "Unary", b"abc") == b"cba"


async def test_an_empty_message_is_one(channel: grpc.aio.Channel) -> None:
    assert await unary(channel, "Unary") == b""
    call = stream(channel)
    await call.write(b"")
    assert await call.read() == b""


@pytest.mark.parametrize("method", ["Echo", "Generate"])
async def test_a_stream_answers_each_message_and_ends_behind_the_last(
    channel: grpc.aio.Channel, method: str
) -> None:
    call = stream(channel, method)
    for message in (b"one", b"two", BIG, b"three"):
        await call.write(message)
        assert await call.read() == message
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


async def test_messages_may_be_sent_ahead(channel: grpc.aio.Channel) -> None:
    sent = [b"%d" % number for number in range(500)]
    echo: Any = channel.stream_stream("/scenes/Echo")
    call = echo(iter(sent))
    assert [message async for message in call] == sent


async def test_large_messages_may_come_between_small_ones(channel: grpc.aio.Channel) -> None:
    """Larger than a window, and so given back before they are read, their tails beside others."""
    sent = [bytes(size) for size in (100_000, 2000, 2000, 150_000, 2000)] * 40
    echo: Any = channel.stream_stream("/scenes/Echo")
    async with asyncio.timeout(PATIENCE):
        assert [len(message) async for message in echo(iter(sent))] == list(map(len, sent))


async def test_many_answers_follow_one_request(channel: grpc.aio.Channel) -> None:
    count: Any = channel.unary_stream("/scenes/Count")
    call = count(b"300")
    assert [len(message) async for message in call] == [1024] * 300


async def test_one_answer_follows_many_requests(channel: grpc.aio.Channel) -> None:
    collect: Any = channel.stream_unary("/scenes/Collect")
    assert await collect(iter([b"a", BIG, b"c"])) == b"a" + BIG + b"c"


async def test_an_abort_tells_its_code_message_and_metadata(channel: grpc.aio.Channel) -> None:
    error = await refusal(unary(channel, "Refuse"))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == "100 % of ütf-8 ⊂ text\n"
    told = dict(error.trailing_metadata())
    assert (told["reason"], told["reason-bin"]) == ("plain", b"\x00\xff\x10")


async def test_after_an_abort_nothing_is_read_or_written(
    served: Served, channel: grpc.aio.Channel
) -> None:
    call = stream(channel, "RefuseLater")
    assert await call.read() == b"first"
    error = await refusal(call.read())
    assert (error.code(), error.details()) == (grpc.StatusCode.ABORTED, "then no more")
    await heard(served.scenes.ended)
    assert [type(fault) for fault in served.scenes.faults] == [grpc.aio.AbortError] * 2


async def test_a_handler_that_fails_costs_its_call_alone(channel: grpc.aio.Channel) -> None:
    error = await refusal(unary(channel, "Fail"))
    assert error.code() is grpc.StatusCode.UNKNOWN
    assert "no such luck" in (error.details() or "")
    assert await unary(channel, "Unary", b"ab") == b"ba"


async def test_a_status_set_beside_an_answer_is_told(channel: grpc.aio.Channel) -> None:
    error = await refusal(unary(channel, "SetStatus"))
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "set")
    assert dict(error.trailing_metadata()) == {"name": "value"}


async def test_an_unknown_method_is_unimplemented(channel: grpc.aio.Channel) -> None:
    error = await refusal(unary(channel, "Nothing"))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_metadata_arrives_as_text_and_as_bytes(
    served: Served, channel: grpc.aio.Channel
) -> None:
    sent = (("a", "text, with commas"), ("b-bin", bytes(range(7))))
    await unary(channel, "Unary", metadata=sent)
    assert served.scenes.metadata.items() >= dict(sent).items()


async def test_metadata_beyond_the_limit_ends_its_call(channel: grpc.aio.Channel) -> None:
    error = await refusal(unary(channel, "Unary", metadata=(("long", "x" * 20_000),)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await unary(channel, "Unary", b"ab") == b"ba"


async def test_a_deadline_ends_the_call_and_its_handler(
    served: Served, channel: grpc.aio.Channel
) -> None:
    call = stream(channel, timeout=DEADLINE)
    assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await heard(served.scenes.ended)


async def test_a_call_that_is_cancelled_cancels_its_handler(
    served: Served, channel: grpc.aio.Channel
) -> None:
    call = stream(channel)
    await call.write(b"x")
    assert await call.read() == b"x"
    call.cancel()
    await heard(served.scenes.ended)
    assert await unary(channel, "Unary", b"ab") == b"ba"


async def test_a_connection_that_is_lost_cancels_its_handlers(served: Served) -> None:
    channel = grpc.aio.insecure_channel(served.address)
    call = stream(channel)
    await call.write(b"x")
    assert await call.read() == b"x"
    await channel.close()
    await heard(served.scenes.ended)


async def test_a_read_under_way_ends_with_its_handler(
    served: Served, channel: grpc.aio.Channel
) -> None:
    call = stream(channel, "PartRead")
    await call.write(b"x")
    assert await call.read() == b"read"
    served.scenes.release.set()
    assert await call.code() is grpc.StatusCode.OK
    await heard(served.scenes.ended)


async def test_a_thousand_calls_share_a_connection(channel: grpc.aio.Channel) -> None:
    calls = [stream(channel) for _ in range(1000)]

    async def converse(number: int, call: Any) -> bytes:
        await call.write(b"%d" % number)
        answer: bytes = await call.read()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        return answer

    answers = await asyncio.gather(*(converse(*each) for each in enumerate(calls)))
    assert answers == [b"%d" % number for number in range(1000)]


async def test_a_message_beyond_the_limit_ends_its_call(channel: grpc.aio.Channel) -> None:
    error = await refusal(unary(channel, "Unary", bytes(LARGEST + 1)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await unary(channel, "Unary", b"ab") == b"ba"


async def test_who_does_not_read_is_held_back_and_its_neighbour_is_not(
    served: Served, channel: grpc.aio.Channel
) -> None:
    count: Any = channel.unary_stream("/scenes/Count")
    deaf = count(b"1000000")
    assert len(await deaf.read()) == 1024
    neighbour = stream(channel)
    for _ in range(50):
        await neighbour.write(b"y" * 1000)
        assert await neighbour.read() == b"y" * 1000
    assert served.scenes.written < 10_000
    deaf.cancel()


async def test_who_is_not_read_is_held_back_and_its_neighbour_is_not(
    served: Served, channel: grpc.aio.Channel
) -> None:
    unread = stream(channel, "Wait")
    await heard(served.scenes.started)
    sent = 0
    while True:
        writing = asyncio.ensure_future(unread.write(BIG))
        if not (await asyncio.wait([writing], timeout=0.5))[0]:
            break
        sent += 1
    assert sent < 10
    neighbour = stream(channel)
    for _ in range(20):
        await neighbour.write(BIG)
        assert await neighbour.read() == BIG
    served.scenes.release.set()
    for _ in range(sent + 1):
        assert await asyncio.wait_for(unread.read(), PATIENCE) == BIG
    await writing


async def test_a_stop_lets_calls_end_and_takes_no_more(served: Served) -> None:
    async with grpc.aio.insecure_channel(served.address) as channel:
        call = stream(channel)
        await call.write(b"x")
        assert await call.read() == b"x"
        stopping = asyncio.create_task(served.server.stop(PATIENCE))
        await asyncio.sleep(0)
        await call.write(b"y")
        assert await call.read() == b"y"
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK
        await asyncio.wait_for(stopping, PATIENCE)
        error = await refusal(unary(channel, "Unary"))
        assert error.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_stop_waits_for_answers_that_are_still_to_be_read(
    served: Served, channel: grpc.aio.Channel
) -> None:
    call = stream(channel)
    await call.write(BIG)
    await call.done_writing()
    await heard(served.scenes.started)
    await until(lambda: served.scenes.read == 1)
    stopping = asyncio.create_task(served.server.stop(PATIENCE))
    assert await call.read() == BIG
    assert await call.code() is grpc.StatusCode.OK
    await asyncio.wait_for(stopping, PATIENCE)


async def test_a_stop_ends_calls_that_outlast_its_grace(
    served: Served, channel: grpc.aio.Channel
) -> None:
    call = stream(channel)
    await call.write(b"x")
    assert await call.read() == b"x"
    await asyncio.wait_for(served.server.stop(DEADLINE), PATIENCE)
    assert await call.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    await heard(served.scenes.ended)


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
