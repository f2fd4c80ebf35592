"""Many streams a message: fleets against both floors, and the client's coalescing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import grpc
import numpy as np

import stepwire
from bench import conversations, echo
from bench.arithmetic import Arithmetic
from bench.load import LoadFailed, Round, run_round
from bench.machine import Cores
from bench.package import write_gru
from bench.process import READY, Server
from bench.ratios import Pairs
from bench.spine import FEATURES, HIDDEN, MODEL
from stepwire.v1 import stream_pb2 as pb

LARGE, SMALL, CLIENTS = 256, 64, 256
"""Streams of the fleet against the arithmetic, of the one against the echo, of the client."""
_METHOD = "/stepwire.v1.StreamInference/Fleet"
_IN_FLIGHT = 3
"""Messages that are unanswered at a time, so that the server never waits."""
_HIGHEST_RATE = 10_000
"""Messages per second that a round is prepared for."""


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    warm_up: float
    seconds: float

    def duration(self) -> float:
        """Seconds of all rounds together."""
        return 6 * self.rounds * (self.warm_up + self.seconds)


class Sides(NamedTuple):
    service: Server
    echo: Server
    arithmetic: Arithmetic


@contextmanager
def started(cores: Cores) -> Iterator[Sides]:
    """All on the same core. Raises ServerFailed."""
    with TemporaryDirectory(prefix="stepwire-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        repository = folder / "repository"
        write_gru(repository, MODEL, features=FEATURES, hidden=HIDDEN)
        service = Server(
            "service",
            ["--listen", "127.0.0.1:0", "--repository", str(repository)],
            ready=READY,
            core=cores.server,
            log=folder / "service.log",
        )
        stack.callback(service.stop)
        size = str(conversations.answer_bytes(HIDDEN))
        floor = Server(
            "bench.echo", [size], ready=echo.READY, core=cores.server, log=folder / "echo.log"
        )
        stack.callback(floor.stop)
        arithmetic = Arithmetic(
            repository / MODEL / "1" / "model.onnx",
            LARGE,
            core=cores.server,
            log=folder / "arithmetic.log",
        )
        stack.callback(arithmetic.stop)
        yield Sides(service, floor, arithmetic)


async def measure(plan: Plan, sides: Sides, progress: Callable[[str], None]) -> list[Pairs]:
    """Raises LoadFailed."""
    return [
        await _against_arithmetic(plan, sides, progress),
        await _against_echo(plan, sides, progress),
        await _coalesced(plan, sides, progress),
    ]


async def _against_arithmetic(plan: Plan, sides: Sides, progress: Callable[[str], None]) -> Pairs:
    floor, fleet = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"fleet of {LARGE} and the arithmetic, pair {number} of {plan.rounds}")
        floor.append(await asyncio.to_thread(sides.arithmetic.round, plan.seconds))
        fleet.append(await _fleet_round(plan, sides.service, LARGE))
    return Pairs(LARGE, floor, fleet, what="fleet", against="arithmetic", load=" a message")


async def _against_echo(plan: Plan, sides: Sides, progress: Callable[[str], None]) -> Pairs:
    steps = round((plan.warm_up + plan.seconds) * _HIGHEST_RATE)
    talk = conversations.with_service(MODEL, features=FEATURES, steps=steps)
    floor, fleet = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"fleet of {SMALL} and the echo, pair {number} of {plan.rounds}")
        floor.append(
            await run_round(
                sides.echo.address,
                conversations.with_echo(talk),
                sides.echo.cpu_seconds,
                streams=SMALL,
                warm_up=plan.warm_up,
                seconds=plan.seconds,
            )
        )
        fleet.append(await _fleet_round(plan, sides.service, SMALL))
    return Pairs(SMALL, floor, fleet, what="fleet", load=" a message")


async def _fleet_round(plan: Plan, server: Server, streams: int) -> Round:
    """Per step of one stream; the round trips are those of whole messages. Raises LoadFailed."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        begin: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(_METHOD)
        call = begin()
        handles = await _opened(call, streams)
        count = round((plan.warm_up + plan.seconds) * _HIGHEST_RATE)
        load = _FleetLoad(call, _messages(handles, count), streams)
        for _ in range(_IN_FLIGHT):
            await load.send()
        await load.go_on(plan.warm_up)
        answered, cpu, began = load.answered, server.cpu_seconds(), time.perf_counter()
        await load.go_on(plan.seconds)
        took = time.perf_counter() - began
        messages, spent = load.answered - answered, server.cpu_seconds() - cpu
        p50, p99 = np.percentile(load.round_trips[answered:], [50, 99]) * 1e6
        call.cancel()
    steps = messages * streams
    return Round(steps / took, float(p50), float(p99), spent / steps * 1e6)


async def _opened(call: grpc.aio.StreamStreamCall[bytes, bytes], streams: int) -> bytes:
    members = [pb.FleetMember(tag=tag, open=pb.Open(model=MODEL)) for tag in range(streams)]
    opening = pb.FleetRequest(open=pb.FleetOpen(members=members))
    await call.write(opening.SerializeToString())
    handles: list[int] = []
    while len(handles) < streams:
        data = await call.read()
        if not isinstance(data, bytes):
            raise LoadFailed(f"the server ended the call: {await call.details()}")
        answer = pb.FleetResponse.FromString(data)
        handles += [member.handle for member in answer.opened.members]
    return np.array(sorted(handles), "<u4").tobytes()


def _messages(handles: bytes, count: int) -> Iterator[bytes]:
    streams = len(handles) // 4
    inputs = np.random.default_rng(0).standard_normal((streams, FEATURES)).astype("<f4").tobytes()
    for step in range(count):
        numbers = np.full(streams, step, "<u8").tobytes()
        steps = pb.FleetSteps(handles=handles, steps=numbers, inputs=[inputs])
        yield pb.FleetRequest(steps=steps).SerializeToString()


class _FleetLoad:
    def __init__(
        self,
        call: grpc.aio.StreamStreamCall[bytes, bytes],
        messages: Iterator[bytes],
        streams: int,
    ) -> None:
        self._call = call
        self._messages = messages
        self._streams = streams
        self._sent: list[float] = []
        self.round_trips: list[float] = []
        """Seconds, of messages as they were answered."""

    @property
    def answered(self) -> int:
        return len(self.round_trips)

    async def send(self) -> None:
        message = next(self._messages, None)
        if message is None:
            raise LoadFailed("the steps ran out before the round was over")
        self._sent.append(time.perf_counter())
        await self._call.write(message)

    async def go_on(self, seconds: float) -> None:
        """Raises LoadFailed."""
        end = time.perf_counter() + seconds
        answer = b""
        while (now := time.perf_counter()) < end:
            read = await self._call.read()
            if not isinstance(read, bytes):
                raise LoadFailed(f"the server ended the call: {await self._call.details()}")
            answer = read
            self.round_trips.append(now - self._sent[self.answered])
            await self.send()
        outputs = pb.FleetResponse.FromString(answer).outputs
        if len(outputs.handles) != 4 * self._streams:
            raise LoadFailed(f"a message of {self._streams} streams got {answer[:200]!r}")


async def _coalesced(plan: Plan, sides: Sides, progress: Callable[[str], None]) -> Pairs:
    """The Python client's own streams, each in a call of its own and sharing one."""
    alone, shared = [], []
    for number in range(1, plan.rounds + 1):
        progress(f"{CLIENTS} streams of a client, pair {number} of {plan.rounds}")
        alone.append(await _client_round(plan, sides.service, coalesce=False))
        shared.append(await _client_round(plan, sides.service, coalesce=True))
    return Pairs(CLIENTS, alone, shared, what="coalesced", against="apart", load=" of a client")


async def _client_round(plan: Plan, server: Server, *, coalesce: bool) -> Round:
    x = np.random.default_rng(0).standard_normal(FEATURES).astype(np.float32)
    round_trips: list[float] = []

    async def run(stream: stepwire.Stream) -> None:
        while True:
            sent = time.perf_counter()
            await stream.step(x)
            round_trips.append(time.perf_counter() - sent)

    async with (
        stepwire.connect(server.address, coalesce=coalesce) as client,
        AsyncExitStack() as stack,
    ):
        fleet = await stack.enter_async_context(client.fleet(MODEL, CLIENTS))
        running = [asyncio.create_task(run(stream)) for stream in fleet.streams]
        await asyncio.sleep(plan.warm_up)
        answered, cpu, began = len(round_trips), server.cpu_seconds(), time.perf_counter()
        await asyncio.sleep(plan.seconds)
        took, spent = time.perf_counter() - began, server.cpu_seconds() - cpu
        steps = len(round_trips) - answered
        p50, p99 = np.percentile(round_trips[answered:], [50, 99]) * 1e6
        for task in running:
            task.cancel()
        await asyncio.wait(running)
    return Round(steps / took, float(p50), float(p99), spent / steps * 1e6)
