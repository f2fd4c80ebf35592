"""Takes the picture of the live page: `python -m tests.console_picture OUT.png`.

A server of the bundled models, pendulums that they swing up, sines that they follow, and a
browser that looks.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
from pathlib import Path

import numpy as np

import stepwire
from models.tasks.pendulum.world import EPISODE_STEPS, PERIOD, PendulumWorld
from tests.browser import browsing
from tests.pages import ROOT
from torture.processes import running
from torture.scrape import ANYWHERE, HttpPort

SECONDS = 75.0
"""Of steps before the picture is taken."""
LATER = 25.0
"""Seconds until more streams come."""
WIDTH, HEIGHT = 1180, 930


async def balance(client: stepwire.Client, model: str, name: str, number: int) -> None:
    """Swings a pendulum up, lets it go, and begins again."""
    async with client.stream(model, stream_id=f"{name}-{number:02d}") as stream:
        for episode in range(1000):
            world = PendulumWorld(100 * number + episode)
            for _ in range(EPISODE_STEPS):
                [torque] = await stream.step(world.observe())
                world.step(float(torque))
                await asyncio.sleep(PERIOD)


async def follow(client: stepwire.Client, number: int) -> None:
    async with client.stream("sine-gru", stream_id=f"sensor-{number:02d}") as stream:
        for step in range(100_000):
            await stream.step(np.array([math.sin(0.2 * step + number)], np.float32))
            await asyncio.sleep(0.02)


async def picture(address: str, url: str) -> bytes:
    async with stepwire.connect(address) as client, asyncio.TaskGroup() as tasks:
        busy = [
            tasks.create_task(balance(client, "pendulum-gru", "pendulum", number))
            for number in range(8)
        ]
        await asyncio.sleep(LATER)
        busy += [
            tasks.create_task(balance(client, "pendulum-lstm", "arm", number))
            for number in range(4)
        ]
        busy += [tasks.create_task(follow(client, number)) for number in range(3)]
        async with browsing() as tab:
            await tab.look(WIDTH, HEIGHT)
            await tab.open(url)
            await tab.click("#streams tbody tr:nth-child(2)")
            await tab.point(0, 0)
            await tab.value("scrollTo(0, 0)")
            await asyncio.sleep(SECONDS - LATER)
            taken = await tab.picture()
        for task in busy:
            task.cancel()
    return taken


def main(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with running(ROOT / "model_repository", *ANYWHERE, log=log) as server:
            taken = asyncio.run(picture(server.address, HttpPort(server).url + "/"))
    path.write_bytes(taken)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
