"""Whether a connection, and the server behind it, still serve."""

from __future__ import annotations

from tests.framed import Framed, data, framed, head
from tests.transports import Served
from torture.frames import prefixed

MESSAGE = b"one message"
WIRE = prefixed(MESSAGE)


async def echoes(client: Framed, stream: int) -> None:
    """Whether a new call is answered."""
    await client.send(head(stream), data(stream, MESSAGE))
    assert await client.answers(stream, len(WIRE)) == WIRE


async def is_up(served: Served) -> None:
    async with framed(served.port) as neighbour:
        await echoes(neighbour, 1)
