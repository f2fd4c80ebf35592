"""The rate of an episode."""

from __future__ import annotations

import math

from demo.pace import RealClock
from demo.pendulum.episodes import Setting


def test_a_faster_episode_has_less_time_to_answer() -> None:
    setting = Setting(seed=0, hanging=True, timesteps=200, speed=2)
    assert setting.pace(RealClock()).period == 0.025


async def test_without_waiting_the_real_period_is_the_budget() -> None:
    setting = Setting(seed=0, hanging=True, timesteps=200, speed=math.inf)
    pace, began = setting.pace(RealClock()), RealClock().now()
    assert pace.period == 0.05
    assert await pace.begin(100_000) < began + 1000
