"""Those who see and change streams that they are not connected to."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from service.core.changes import GivenState, GivenTensor
from service.core.directory import Directory
from service.core.streams import StreamKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.streams.outside import Named
from service.streams.states import Seen, States
from tests.fakes import MODEL, TOKEN, accumulator_lane, number, request, value
from tests.replicas import Replica

IDLE = 600.0
"""Seconds that a detached stream is kept."""
OTHER = bytes(16)
"""A token that is not TOKEN."""


class Alone(Replica):
    """An engine without a store."""

    def __init__(
        self,
        limit: int = 8,
        clock: Callable[[], float] = time.monotonic,
        lane: Lane | None = None,
    ) -> None:
        self.lane = lane or accumulator_lane()
        lanes = Lanes({MODEL: self.lane}, {})
        self.engine = Engine(lanes, Directory(limit=limit, idle_limit=IDLE), clock=clock)


def named(
    stream_id: str = "robot",
    token: bytes = TOKEN,
    namespace: str = "",
    models: tuple[str, ...] = (MODEL.name,),
) -> Named:
    """By a caller who may use `models`."""
    return Named(StreamKey(namespace, stream_id), token, models.__contains__)


def total(
    x: float, next_step: int | None = None, *, digest: str = "", numerics: str = ""
) -> GivenState:
    """The state of an accumulator."""
    return GivenState((GivenTensor("sum", number(x)),), next_step, digest, numerics)


def total_of(seen: Seen) -> float:
    ((_, data),) = seen.states
    return value(data)


Use = Callable[[States, Named], Awaitable[object]]
CHANGES: dict[str, Use] = {
    "put": lambda states, which: states.put(which, total(1.0)),
    "reset": lambda states, which: states.reset(which),
    "delete": lambda states, which: states.delete(which),
    "fork": lambda states, which: states.fork(which, request("copy", token=OTHER)),
}
IN_PLACE = {name: change for name, change in CHANGES.items() if name != "fork"}
