"""The closed loop: reading to the controller, torque to the motor, once a period."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from demo.pace import Clock, Pace

Reading = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


class World(Protocol):
    """What is used of `models.tasks.pendulum.world.PendulumWorld`."""

    @property
    def angle(self) -> float: ...
    def observe(self) -> Reading: ...
    def step(self, torque: float) -> None: ...


class Answer(NamedTuple):
    """What the controller makes of a reading."""

    torque: float
    """N m, within what the motor gives."""
    late: bool
    """The server's verdict."""


Controller = Callable[[Reading, float], Awaitable[Answer]]
"""Answers a reading; told how many seconds that may take."""


class Moment(NamedTuple):
    """One timestep, as it went."""

    timestep: int
    angle: float
    """Radians from upright, when the reading was taken."""
    torque: float
    """N m, in answer to the reading."""
    round_trip: float
    """Seconds from the reading to the torque."""
    late: bool
    """By the server's verdict, or because the timestep was over when the answer came."""


class Record(NamedTuple):
    """An episode of T timesteps: the moments' columns, each [T]."""

    angles: Floats
    torques: Floats
    round_trips: Floats
    late: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, moments: Sequence[Moment]) -> Self:
        _, angles, torques, round_trips, late = zip(*moments, strict=True)
        return cls(np.array(angles), np.array(torques), np.array(round_trips), np.array(late))


async def run(
    world: World,
    controller: Controller,
    pace: Pace,
    clock: Clock,
    timesteps: int,
    show: Callable[[Moment], None],
) -> Record:
    """Plays an episode and shows each moment of it."""
    moments = []
    for timestep in range(timesteps):
        deadline = await pace.begin(timestep)
        angle, sent = world.angle, clock.now()
        torque, judged_late = await controller(world.observe(), pace.period)
        answered = clock.now()
        world.step(torque)
        late = judged_late or answered > deadline
        moments.append(Moment(timestep, angle, torque, answered - sent, late))
        show(moments[-1])
    return Record.of(moments)
