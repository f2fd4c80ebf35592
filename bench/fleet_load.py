"""The load of a fleet: messages that step all its streams, a few of them under way at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc
import numpy as np

from bench.load import Call, LoadFailed, Round
from bench.package import Network
from bench.process import Server
from stepwire.v1 import stream_pb2 as pb

METHOD = "/stepwire.v1.StreamInference/Fleet"
_IN_FLIGHT = 3
"""Messages that are unanswered at a time, so that the server never waits."""
_HIGHEST_RATE = 10_000
"""Messages per second that a round is prepared for."""


async def fleet_round(
    server: Server, network: Network, *, streams: int, warm_up: float, seconds: float
) -> Round:
    """Per step of one stream; the round trips are those of whole messages. Raises LoadFailed."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        begin: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(METHOD)
        fleet = Fleet(begin(), network, streams)
        await fleet.open()
        fleet.prepare(round((warm_up + seconds) * _HIGHEST_RATE))
        for _ in range(_IN_FLIGHT):
            await fleet.send()
        await fleet.go_on(warm_up)
        answered, cpu, began = fleet.answered, server.cpu_seconds(), time.perf_counter()
        await fleet.go_on(seconds)
        took = time.perf_counter() - began
        messages, spent = fleet.answered - answered, server.cpu_seconds() - cpu
        p50, p99 = np.percentile(fleet.round_trips[answered:], [50, 99]) * 1e6
        fleet.leave()
    steps = messages * streams
    return Round(steps / took, float(p50), float(p99), spent / steps * 1e6)


class Fleet:
    """Streams of one model on one call."""

    def __init__(self, call: Call, network: Network, streams: int) -> None:
        self._call = call
        self._network = network
        self._streams = streams
        self._handles = b""
        self._messages: Iterator[bytes] = iter(())
        self._sent: list[float] = []
        self.round_trips: list[float] = []
        """Seconds, of messages as they were answered."""

    @property
    def answered(self) -> int:
        return len(self.round_trips)

    async def open(self) -> None:
        """Raises LoadFailed."""
        members = [
            pb.FleetMember(tag=tag, open=pb.Open(model=self._network.name))
            for tag in range(self._streams)
        ]
        opening = pb.FleetRequest(open=pb.FleetOpen(members=members))
        await self._call.write(opening.SerializeToString())
        handles: list[int] = []
        while len(handles) < self._streams:
            opened = pb.FleetResponse.FromString(await self._read()).opened
            handles += [member.handle for member in opened.members if member.HasField("opened")]
            for member in opened.members:
                if member.HasField("refused"):
                    raise LoadFailed(f"a stream was refused: {member.refused.message}")
        self._handles = np.array(sorted(handles), "<u4").tobytes()

    def prepare(self, messages: int) -> None:
        """What is sent from here on: so many timesteps of each stream, from 0."""
        self._messages = _messages(self._network, self._handles, messages)

    async def send(self) -> None:
        message = next(self._messages, None)
        if message is None:
            raise LoadFailed("the steps ran out before the round was over")
        self._sent.append(time.perf_counter())
        await self._call.write(message)

    async def receive(self) -> None:
        """The answer to a message. Raises LoadFailed if it has no output for each stream."""
        answer = await self._read()
        self.round_trips.append(time.perf_counter() - self._sent[self.answered])
        if len(answer) < self._streams * self._network.output_bytes:
            raise LoadFailed(f"a message of {self._streams} streams got {answer[:200]!r}")

    async def go_on(self, seconds: float) -> None:
        """Raises LoadFailed."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            await self.receive()
            await self.send()

    def leave(self) -> None:
        self._call.cancel()

    async def _read(self) -> bytes:
        data = await self._call.read()
        if not isinstance(data, bytes):
            raise LoadFailed(f"the server ended the call: {await self._call.details()}")
        return data


def _messages(network: Network, handles: bytes, count: int) -> Iterator[bytes]:
    streams = len(handles) // 4
    shape = (streams, network.features)
    inputs = np.random.default_rng(0).standard_normal(shape).astype("<f4").tobytes()
    for step in range(count):
        numbers = np.full(streams, step, "<u8").tobytes()
        steps = pb.FleetSteps(handles=handles, steps=numbers, inputs=[inputs])
        yield pb.FleetRequest(steps=steps).SerializeToString()
