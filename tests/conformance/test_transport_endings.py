"""How calls end on both transports, and what handlers and clients hear of it."""

from __future__ import annotations

import grpc

from tests.calling import DEADLINE, heard, refusal, stream, unary
from tests.transports import LARGEST, Served


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


async def test_a_message_beyond_the_limit_ends_its_call(channel: grpc.aio.Channel) -> None:
    error = await refusal(unary(channel, "Unary", bytes(LARGEST + 1)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await unary(channel, "Unary", b"ab") == b"ba"
