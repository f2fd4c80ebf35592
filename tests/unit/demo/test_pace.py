"""When timesteps begin."""

from __future__ import annotations

import pytest

from demo.pace import Pace, RealClock, waiting
from tests.unit.demo.fakes import FakeClock


async def test_timesteps_begin_at_multiples_of_the_period_however_late_one_wakes() -> None:
    clock = FakeClock(oversleeps=0.125)
    pace = Pace(clock, 0.25)
    deadlines = [await pace.begin(timestep) for timestep in range(4)]
    assert deadlines == [100.25, 100.5, 100.75, 101.0]
    assert clock.slept == [100.25, 100.5, 100.75]


async def test_a_delay_is_caught_up_without_waiting() -> None:
    clock = FakeClock()
    pace = Pace(clock, 0.25)
    await pace.begin(0)
    clock.time = 100.625
    assert [await pace.begin(1), await pace.begin(2)] == [100.5, 100.75]
    assert clock.time == 100.625
    await pace.begin(3)
    assert clock.time == 100.75


async def test_without_waiting_a_timestep_has_its_period_from_when_it_begins() -> None:
    clock = FakeClock()
    pace = Pace(clock, 0.25, waits=False)
    assert await pace.begin(0) == 100.25
    clock.time = 100.0625
    assert await pace.begin(1) == 100.3125
    assert clock.slept == []


async def test_the_real_clock_sleeps_until_then_and_not_at_all_for_the_past() -> None:
    clock = RealClock()
    then = clock.now() + 0.01
    await clock.sleep_until(then)
    assert clock.now() == pytest.approx(then, abs=1) and clock.now() > then - 0.002
    await clock.sleep_until(then - 1000)


def test_each_timestep_waits_until_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    clock = (100.0 + at for at in (0.0, 0.5, 1.25, 3.75, 3.75))
    monkeypatch.setattr("demo.pace.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("demo.pace.time.sleep", slept.append)
    wait = waiting(1.0)
    for timestep in range(5):
        wait(timestep)
    assert slept == [0.0, 0.5, 0.75, 0.0, 0.25]
