"""The demo's course: an episode of each model, from the same start, under the same noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console

import stepwire
from demo.pace import Pace, RealClock
from demo.pendulum.controller import controller
from demo.pendulum.loop import Record, run
from demo.pendulum.view import watching
from demo.stage import RETRY_FOR
from models.tasks.pendulum.world import PERIOD, PendulumWorld


class Setting(NamedTuple):
    """What all episodes have in common."""

    seed: int
    hanging: bool
    timesteps: int
    speed: float
    """Times the real rate; math.inf: without waiting."""

    def pace(self, clock: RealClock) -> Pace:
        """Without waiting, the real period still says what is late."""
        if math.isinf(self.speed):
            return Pace(clock, PERIOD, waits=False)
        return Pace(clock, PERIOD / self.speed)


async def play(
    address: str, model: str, rivals: Sequence[str], setting: Setting, console: Console
) -> dict[str, Record]:
    """The episodes by model, one after the other. A rival that is not served is left out.

    Raises StepwireError.
    """
    async with stepwire.connect(address, retry_for=RETRY_FOR) as client:
        records = {model: await episode(client, model, setting, console)}
        for rival in rivals:
            try:
                records[rival] = await episode(client, rival, setting, console)
            except stepwire.ModelNotFound:
                console.print(f"{rival} is not served there, so nothing is compared.")
        return records


async def episode(
    client: stepwire.Client, model: str, setting: Setting, console: Console
) -> Record:
    """One pendulum, one stream."""
    world, clock = PendulumWorld(setting.seed, hanging=setting.hanging), RealClock()
    async with controller(client, model) as steered:
        with watching(console, model, setting.timesteps) as show:
            return await run(world, steered, setting.pace(clock), clock, setting.timesteps, show)
