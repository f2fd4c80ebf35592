"""A shared call, and the streams that come and go on it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stepwire import errors
from stepwire.sharing import SharedCall
from stepwire.v1 import stream_pb2 as pb


class Server:
    """The other end of one call."""

    def __init__(self) -> None:
        self.heard: list[pb.FleetRequest] = []
        self._said: asyncio.Queue[pb.FleetResponse] = asyncio.Queue()

    async def write(self, message: pb.FleetRequest) -> None:
        self.heard.append(message)

    async def read(self) -> pb.FleetResponse:
        return await self._said.get()

    def add_done_callback(self, callback: object) -> None: ...

    def cancel(self) -> None: ...

    async def say(self, **event: Any) -> None:
        self._said.put_nowait(pb.FleetResponse(**event))
        await turns()

    @property
    def left(self) -> list[int]:
        """Handles, as often as they were left."""
        return [handle for message in self.heard for handle in message.leave.handles]


async def turns() -> None:
    """Lets the loop go round."""
    for _ in range(10):
        await asyncio.sleep(0)


TAKEN_OVER = pb.FleetLeft(handle=5, refused=pb.FleetRefusal(error="STREAM_TAKEN_OVER"))


@pytest.mark.parametrize("leaves_first", [False, True])
async def test_a_handle_is_left_once_whoever_parts_first(leaves_first: bool) -> None:
    server: Any = Server()
    shared = SharedCall(lambda: server)
    member = shared.member()
    await member.say(pb.StreamRequest(open=pb.Open(model="m")))
    await turns()
    tag = server.heard[0].open.members[0].tag
    opened = pb.FleetMemberOpened(tag=tag, handle=5, opened=pb.Opened(window=8))
    await server.say(opened=pb.FleetOpened(members=[opened]))
    if leaves_first:
        await member.say_no_more()
        await turns()
    await server.say(left=TAKEN_OVER)
    await member.say_no_more()
    await turns()
    assert server.left == [5]
    await member.hear()
    with pytest.raises(errors.StreamTakenOver):
        await member.hear()
    await shared.close()
