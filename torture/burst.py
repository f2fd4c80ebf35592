"""A whole fleet opens its streams at once, as after a restart: all are taken."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc

from stepwire.v1 import stream_pb2 as pb
from torture.package import NAME
from torture.processes import running
from torture.promises import promised
from torture.raw import OWN_CONNECTION, STREAM, converse
from torture.witness import Witness

_PER_CONNECTION = 100
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Burst:
    streams: int
    all_open_after: float
    """Seconds."""


async def open_all_at_once(ground: Path, *, streams: int) -> Burst:
    """Each by a call of its own, which nobody tries again. Raises PromiseBroken."""
    witness = Witness(ground / "repository", hidden=8)
    opening = pb.StreamRequest(open=pb.Open(model=NAME)).SerializeToString()
    with running(witness.repository, log=ground / "server.log") as server:
        async with AsyncExitStack() as stack:
            channels = [
                await stack.enter_async_context(
                    grpc.aio.insecure_channel(server.address, options=OWN_CONNECTION)
                )
                for _ in range(0, streams, _PER_CONNECTION)
            ]
            started = time.monotonic()
            replies = await asyncio.gather(
                *(
                    converse(
                        channels[number // _PER_CONNECTION], STREAM, [opening], patience=_PATIENCE
                    )
                    for number in range(streams)
                )
            )
            seconds = time.monotonic() - started
    ends = Counter(f"{reply.status} {reply.details}" for reply in replies if not reply.answers)
    promised(not ends, f"of {streams} streams these were not opened: {dict(ends)}")
    return Burst(streams, seconds)
