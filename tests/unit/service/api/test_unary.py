from __future__ import annotations

from typing import Any

import grpc
import pytest

from service.api.guard import Guard
from service.api.state import StreamState
from service.api.unary import Reader
from stepwire.v1 import state_pb2 as pb
from stepwire.v1 import state_pb2_grpc as pb_grpc
from tests.outside import Alone

GET = "/stepwire.v1.StreamState/Get"


@pytest.mark.parametrize(
    ("data", "code", "name"),
    [
        (b"\xff\xff", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        (
            pb.GetStateRequest(stream_id="robot", token=bytes(16)).SerializeToString(),
            grpc.StatusCode.NOT_FOUND,
            "STREAM_NOT_FOUND",
        ),
    ],
)
async def test_what_is_no_request_is_an_invalid_one_and_leaves_no_traceback(
    data: bytes, code: grpc.StatusCode, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = grpc.aio.server(interceptors=[Reader()])
    api = StreamState(Alone().engine.states, Guard())
    pb_grpc.add_StreamStateServicer_to_server(api, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            get: Any = channel.unary_unary(GET)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await get(data)
    finally:
        await server.stop(None)
    assert refused.value.code() is code
    assert len((refused.value.details() or "").splitlines()) == 1
    assert dict(refused.value.trailing_metadata() or ())["stepwire-error"] == name
    assert not caplog.records
