"""The closed loop, around a world and a controller of the test's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from demo.pace import Pace
from demo.pendulum.loop import Answer, Moment, Reading, Record, run
from tests.unit.demo.fakes import FakeClock

PERIOD = 0.25


class Counter:
    """Its angle counts the timesteps, and it keeps the torques."""

    def __init__(self) -> None:
        self.angle = 0.0
        self.torques: list[float] = []

    def observe(self) -> Reading:
        return np.array([self.angle, -self.angle], np.float32)

    def step(self, torque: float) -> None:
        self.angle += 1
        self.torques.append(torque)


class Slow:
    """Answers with the reading's double, after the times given, in seconds."""

    def __init__(self, clock: FakeClock, times: Sequence[float], judged: Sequence[int] = ()):
        self._clock, self._times, self._judged = clock, times, judged
        self.asked: list[tuple[float, float]] = []
        """When, and with what budget."""

    async def __call__(self, reading: Reading, budget: float) -> Answer:
        timestep = len(self.asked)
        self.asked.append((self._clock.now(), budget))
        self._clock.time += self._times[timestep]
        return Answer(2 * float(reading[0]), late=timestep in self._judged)


async def played(
    times: Sequence[float], judged: Sequence[int] = (), *, waits: bool = True
) -> tuple[Counter, Slow, Record, list[Moment]]:
    world, clock, shown = Counter(), FakeClock(), list[Moment]()
    slow, pace = Slow(clock, times, judged), Pace(clock, PERIOD, waits=waits)
    record = await run(world, slow, pace, clock, len(times), shown.append)
    return world, slow, record, shown


async def test_each_reading_is_answered_by_the_torque_of_its_timestep() -> None:
    world, _, record, shown = await played([0.0, 0.0, 0.0])
    assert world.torques == [0.0, 2.0, 4.0]
    assert record.angles.tolist() == [0.0, 1.0, 2.0]
    assert record.torques.tolist() == world.torques
    assert shown[1] == Moment(1, 1.0, 2.0, 0.0, False)


async def test_steps_go_out_on_the_beat_with_a_period_to_answer() -> None:
    _, slow, record, _ = await played([0.0625, 0.125, 0.03125])
    assert slow.asked == [(100.0, PERIOD), (100.25, PERIOD), (100.5, PERIOD)]
    assert record.round_trips.tolist() == [0.0625, 0.125, 0.03125]
    assert not record.late.any()


async def test_a_slow_step_is_late_and_the_beat_is_caught_up() -> None:
    _, slow, record, _ = await played([0.375, 0.0625, 0.0625])
    assert record.late.tolist() == [True, False, False]
    assert [asked for asked, _ in slow.asked] == [100.0, 100.375, 100.5]


async def test_a_step_held_up_by_one_before_it_can_be_late_too() -> None:
    _, _, record, _ = await played([0.5, 0.125, 0.0625])
    assert record.late.tolist() == [True, True, False]


async def test_the_servers_verdict_counts() -> None:
    _, _, record, _ = await played([0.0, 0.0, 0.0], judged=[1])
    assert record.late.tolist() == [False, True, False]


async def test_without_waiting_a_step_is_late_after_its_own_period() -> None:
    _, slow, record, _ = await played([0.375, 0.25, 0.0], waits=False)
    assert [asked for asked, _ in slow.asked] == [100.0, 100.375, 100.625]
    assert record.late.tolist() == [True, False, False]
