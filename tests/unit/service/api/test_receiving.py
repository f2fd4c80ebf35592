from __future__ import annotations

from typing import Any

import pytest

from service.api.receiving import attending, fault, parsed, received
from service.core.errors import InvalidRequest, ServerFailed
from stepwire.v1 import stream_pb2 as pb
from tests.talking import Talking


def context(direct: bool, *messages: bytes) -> Any:
    """Of a client that says so much, and no more."""
    client = Talking(direct=direct)
    for message in messages:
        client.send(message)
    client.hang_up()
    return client


async def test_each_message_is_told_until_one_is_enough(direct: bool) -> None:
    heard: list[bytes] = []

    def hear(message: bytes) -> bool:
        heard.append(message)
        return message != b"two"

    attend = attending(context(direct, b"one", b"two", b"three"))
    assert await attend(hear)
    assert heard == [b"one", b"two"]
    assert not await attend(hear)
    assert heard == [b"one", b"two", b"three"]


async def test_behind_the_last_message_is_none() -> None:
    client = context(False, b"one")
    assert await received(client) == b"one"
    assert await received(client) is None


def test_what_is_no_message_is_told_by_its_kind() -> None:
    with pytest.raises(InvalidRequest, match="not a StreamRequest"):
        parsed(b"\xff\xff", pb.StreamRequest)
    found = fault(pb.FleetRequest, pb.FleetRequest.FromString, b"\xff\xff")
    assert isinstance(found, InvalidRequest)
    assert str(found).startswith("not a FleetRequest")


def test_a_fault_of_the_service_ends_the_call_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert isinstance(fault(pb.FleetRequest, lambda: 1 / 0), ServerFailed)
    assert "ZeroDivisionError" in caplog.text


def test_what_is_taken_has_no_fault() -> None:
    assert fault(pb.FleetRequest, pb.FleetRequest.FromString, b"") is None
