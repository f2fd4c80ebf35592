"""A server core as a queue: messages wait for a turn of its event loop, which takes them all.

A discrete-event simulation of two stations, server and client. A turn takes the messages that have
arrived when it begins, costs what `Costs` says, and sends the answers one by one at its end. Bulk
service without a timer: N. T. J. Bailey, On queueing processes with bulk service (1954).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.scaling.costs import Costs

NOTHING = Costs(turn_us=0.0, cold_us=0.0, message_us=0.0)
"""A client that costs nothing and is never waited for."""
_ANSWERING = 0.5
"""The share of a message's cost that is spent at the end of the turn, to send its answer."""
_WARM_UP = 0.1
"""The share of a run that is not counted."""
_START_US = 1000.0
"""Within which a closed loop's first messages come."""


class Sides(NamedTuple):
    server: Costs
    client: Costs = NOTHING
    wire_us: float = 0.0
    """What a round trip lasts beyond both, half of it each way."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Times in microseconds."""

    seconds: float
    batches: NDArray[np.int64]
    """Messages of each turn of the server."""
    busy: float
    """The server's share of its core, 0 to 1."""
    trips: NDArray[np.float64]
    """From sending to the answer, of each message."""

    @property
    def rate(self) -> float:
        """Messages per second."""
        return float(self.batches.sum()) / self.seconds

    @property
    def server_us(self) -> float:
        """CPU per message."""
        return self.busy / self.rate * 1e6

    @property
    def batch(self) -> float:
        return float(self.batches.mean())

    def trip_us(self, percent: float) -> float:
        return float(np.percentile(self.trips, percent))


def periodic(calls: int, rate_hz: float, seconds: float, seed: int = 0) -> NDArray[np.float64]:
    """When the messages of calls at random phases come, in microseconds, in order."""
    period = 1e6 / rate_hz
    phases = np.random.default_rng(seed).uniform(0, period, calls)
    cycles = np.arange(math.ceil(seconds * rate_hz)) * period
    return np.sort((phases + cycles[:, None]).ravel())


def poisson(rate_hz: float, seconds: float, seed: int = 0) -> NDArray[np.float64]:
    """When messages come that know nothing of each other, in microseconds, in order."""
    gaps = np.random.default_rng(seed).exponential(1e6 / rate_hz, round(seconds * rate_hz))
    return np.cumsum(gaps)


def open_loop(sides: Sides, arrivals: Iterable[float], seconds: float) -> Outcome:
    """Messages that come whether answered or not. `arrivals`: in microseconds, in order."""
    return _run(sides, [_Message(at, at) for at in arrivals], seconds, closed=False)


def closed_loop(sides: Sides, calls: int, seconds: float, seed: int = 0) -> Outcome:
    """Calls that send when they are answered."""
    starts = np.sort(np.random.default_rng(seed).uniform(0, _START_US, calls))
    return _run(sides, [_Message(at, at) for at in starts.tolist()], seconds, closed=True)


class _Message(NamedTuple):
    at: float
    """When it arrives where it waits."""
    sent: float


class _Station:
    def __init__(self, costs: Costs, waiting: Iterable[_Message] = ()) -> None:
        """`waiting`: in order of their arrival, as all that come later."""
        self.waiting = deque(waiting)
        self.free = 0.0
        self._costs = costs

    @property
    def next(self) -> float:
        """When its next turn begins."""
        return max(self.free, self.waiting[0].at) if self.waiting else math.inf

    def turn(self) -> tuple[float, list[_Message]]:
        """Its microseconds, and the messages it took with when each is done with."""
        begin = self.next
        taken = list(self._ready(begin))
        took = self._costs.of(len(taken), begin - self.free)
        self.free = begin + took
        apart = _ANSWERING * self._costs.message_us
        first = self.free - (len(taken) - 1) * apart
        return took, [_Message(first + place * apart, sent) for place, sent in enumerate(taken)]

    def _ready(self, begin: float) -> Iterator[float]:
        """When those were sent that the turn takes."""
        waiting = self.waiting
        for _ in range(min(self._costs.most, len(waiting))):
            if waiting[0].at > begin:
                return
            yield waiting.popleft().sent


def _run(sides: Sides, first: Iterable[_Message], seconds: float, *, closed: bool) -> Outcome:
    server, client = _Station(sides.server, first), _Station(sides.client)
    half, end = sides.wire_us / 2, seconds * 1e6
    begin = _WARM_UP * end
    busy, batches, trips = 0.0, [], []
    while (now := min(server.next, client.next)) < end:
        answered: Iterable[_Message] = ()
        if server.next < client.next:
            took, done = server.turn()
            if now >= begin:
                busy += took
                batches.append(len(done))
            arriving = (_Message(max(now, at + half), sent) for at, sent in done)
            if sides.client is NOTHING:
                answered = arriving
            else:
                client.waiting.extend(arriving)
        else:
            _, done = client.turn()
            answered = (_Message(max(now, at + half), sent) for at, sent in done)
        for at, sent in answered:
            if now >= begin:
                trips.append(at - sent)
            if closed:
                server.waiting.append(_Message(at, at))
    span = end - begin
    return Outcome(span * 1e-6, np.array(batches), busy / span, np.array(trips))
