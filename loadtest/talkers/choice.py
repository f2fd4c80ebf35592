"""The talkers of a process, by the protocol that is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc

from loadtest.inputs import Timesteps
from loadtest.load import Load
from loadtest.schedule import Arrival
from loadtest.talkers.connection import Connection
from loadtest.talkers.fleet import FleetTalker
from loadtest.talkers.line import Lines
from loadtest.talkers.native import Native
from loadtest.talkers.talker import Ears, Served, Talker
from loadtest.talkers.triton import Triton, describe
from stepwire.channel import Metadata


class Talkers:
    """All streams of a process, dealt out to its connections."""

    def __init__(self, talkers: Sequence[Talker], streams: Sequence[Sequence[int]]) -> None:
        self._talkers = talkers
        self._of = {
            stream: talker for talker, some in zip(talkers, streams, strict=True) for stream in some
        }

    async def open(self) -> Served:
        async with asyncio.TaskGroup() as tasks:
            opened = [tasks.create_task(talker.open()) for talker in self._talkers]
        return opened[0].result()

    def due(self, arrival: Arrival) -> None:
        self._of[arrival.stream].due(arrival)

    async def close(self) -> list[Arrival]:
        left = await asyncio.gather(*(talker.close() for talker in self._talkers))
        return [arrival for each in left for arrival in each]


async def talkers(
    channels: Sequence[grpc.aio.Channel],
    metadata: Metadata,
    load: Load,
    streams: Sequence[int],
    ears: Ears,
) -> Talkers:
    """Nothing is open yet. Raises a StepwireError."""
    timesteps = Timesteps(load.seed)
    dealt = [some for first in range(len(channels)) if (some := streams[first :: len(channels)])]

    async def of(channel: grpc.aio.Channel, some: Sequence[int]) -> Talker:
        connection = Connection(channel, metadata, load, timesteps)
        if load.protocol == "fleet":
            return FleetTalker(connection, some, ears)
        if load.protocol == "native":
            return Lines(some, lambda stream: Native(connection, stream), ears)
        described = await describe(connection)
        return Lines(some, lambda stream: Triton(connection, described, stream), ears)

    made = [await of(channel, some) for channel, some in zip(channels, dealt, strict=False)]
    return Talkers(made, dealt)
