"""The cost model: what a turn of the event loop costs, by what it handles. Pure arithmetic.

    turn(n messages, idle) = turn + cold · min(idle / 1 ms, 1) + n · message + arithmetic(n)
    turn(m messages of a fleet of K) = turn + m · (fleet + K · entry) + arithmetic(m · K)
    arithmetic(k rows) = run · ⌈k / 256⌉ + k · row

All in microseconds of the server's CPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.scaling.constants import Arithmetic, Client, Constants, Transport

MAX_BATCH = 256
"""Rows of a run at most: the service's own default."""
COLD_AFTER_US = 1000.0
"""Idleness after which a turn costs as much more as it ever does."""


def arithmetic_us(arithmetic: Arithmetic, rows: int) -> float:
    """Of that many rows that wait together."""
    return arithmetic.run_us * math.ceil(rows / MAX_BATCH) + arithmetic.row_us * rows


def cold_share(idle_us: float) -> float:
    """How cold a turn is that finds the loop idle for so long: 0 to 1."""
    return min(idle_us / COLD_AFTER_US, 1.0)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a station, server or client, works on the messages of a turn."""

    turn_us: float
    cold_us: float
    message_us: float
    run_us: float = 0.0
    most: int = MAX_BATCH
    """Messages that a turn takes."""

    def of(self, messages: int, idle_us: float = 0.0) -> float:
        """Microseconds of a turn."""
        before = self.turn_us + self.cold_us * cold_share(idle_us) + self.run_us
        return before + messages * self.message_us

    @property
    def saturated_hz(self) -> float:
        """Messages per second when every turn is full."""
        return self.most / self.of(self.most) * 1e6


def serving(constants: Constants, model: str, entries: int = 1) -> Costs:
    """The server's, for messages of one step or of a fleet's `entries`."""
    transport, arithmetic = constants.transport, constants.arithmetic[model]
    message = _message_us(transport, entries) + entries * arithmetic.row_us
    most = max(1, MAX_BATCH // entries)
    return Costs(
        transport.turn_us,
        transport.cold_us,
        message,
        arithmetic.run_us * math.ceil(entries * most / MAX_BATCH),
        most,
    )


def _message_us(transport: Transport, entries: int) -> float:
    if entries == 1:
        return transport.message_us
    return transport.fleet_us + entries * transport.entry_us


def loading(client: Client) -> Costs:
    """The client's."""
    return Costs(client.turn_us, client.cold_us, client.message_us)
