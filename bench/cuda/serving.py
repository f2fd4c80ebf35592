"""The whole service under fleets, its models on the device and on the CPU, by turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import numpy as np

from bench.cuda.rounds import Plan
from bench.fleet_load import METHOD, Fleet
from bench.load import LoadFailed, Round
from bench.package import Network
from bench.process import Server
from bench.ratios import P50, P99, STEP_RATE, Pairs, Row, row_of
from bench.stand import Stand

FLEET = 256
"""Streams of a fleet at most; fleets share the server's runs."""
_IN_FLIGHT = 2
"""Messages of each fleet."""
_MESSAGES = 1_000_000
"""That a fleet may send; each is made when it is due."""
_OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
"""Else channels to one address share one."""


async def measure(
    stand: Stand,
    network: Network,
    device: str,
    plan: Plan,
    progress: Callable[[str], None],
) -> list[Row]:
    """At each number of streams. Raises LoadFailed and ServerFailed."""
    together = ("--max-batch", str(max(plan.served)))
    floor = stand.service(network, options=("--device", "cpu", *together))
    service = stand.service(network, options=("--device", device, *together))
    rows: list[Row] = []
    for count in plan.served:
        theirs, ours = [], []
        for number in range(1, plan.served_rounds + 1):
            progress(f"the service with {count:,} streams, pair {number} of {plan.served_rounds}")
            theirs.append(await _round(floor, network, count, plan.served_seconds))
            ours.append(await _round(service, network, count, plan.served_seconds))
        pairs = Pairs(count, theirs, ours, what=f"service, {network}", against="the CPU's")
        rows += [row_of(pairs, quantity) for quantity in (STEP_RATE, P50, P99)]
    return rows


async def _round(server: Server, network: Network, streams: int, seconds: float) -> Round:
    """Per step of one stream; the round trips are those of whole messages."""
    async with _fleets(server, network, streams) as fleets:
        await _go_on(fleets, seconds / 4)
        answered = [fleet.answered for fleet in fleets]
        cpu, began = server.cpu_seconds(), time.perf_counter()
        await _go_on(fleets, seconds)
        took, spent = time.perf_counter() - began, server.cpu_seconds() - cpu
    trips = [fleet.round_trips[before:] for fleet, before in zip(fleets, answered, strict=True)]
    if not all(trips):
        raise LoadFailed(f"of {streams:,} streams some were not answered within {seconds} s")
    steps = sum(len(each) * size for each, size in zip(trips, _sizes(streams), strict=True))
    p50, p99 = np.percentile(np.concatenate(trips), [50, 99]) * 1e6
    return Round(steps / took, float(p50), float(p99), spent / steps * 1e6)


@asynccontextmanager
async def _fleets(server: Server, network: Network, streams: int) -> AsyncIterator[list[Fleet]]:
    """Open, each on a connection of its own, their first messages sent."""
    async with AsyncExitStack() as stack:
        fleets = []
        for size in _sizes(streams):
            channel = grpc.aio.insecure_channel(server.address, _OWN_CONNECTION)
            await stack.enter_async_context(channel)
            begin: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(METHOD)
            fleets.append(Fleet(begin(), network, size))
        await asyncio.gather(*map(_begin, fleets))
        yield fleets
        for fleet in fleets:
            fleet.leave()


async def _begin(fleet: Fleet) -> None:
    await fleet.open()
    fleet.prepare(_MESSAGES)
    for _ in range(_IN_FLIGHT):
        await fleet.send()


async def _go_on(fleets: Sequence[Fleet], seconds: float) -> None:
    await asyncio.gather(*(fleet.go_on(seconds) for fleet in fleets))


def _sizes(streams: int) -> list[int]:
    """Of the fleets."""
    return [min(FLEET, streams - first) for first in range(0, streams, FLEET)]
