"""The live page of a server, and streams that move on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import numpy as np

import stepwire
from torture.processes import Server
from torture.scrape import HttpPort

ONE = np.ones(1, np.float32)
STEPS = "Number(document.querySelector('#totals dd').textContent.replaceAll(',', ''))"
RATE = "Number(document.querySelector('#rate').textContent)"
IDS = "[...document.querySelectorAll('#streams tbody td:first-child')].map(each => each.innerText)"
FOCUSED = "document.activeElement.innerText"
POINTS = "document.querySelector('#line .trace')?.getAttribute('d').match(/[ML]/g).length ?? 0"
ENDS = "[...document.querySelectorAll('#line text')].map(each => each.textContent).slice(-2)"


@contextlib.asynccontextmanager
async def stepping(
    server: Server, *ids: str, model: str = "accumulator", credential: str | None = None
) -> AsyncIterator[stepwire.Client]:
    """Streams that send a one again and again."""
    async with (
        stepwire.connect(server.address, credential=credential) as client,
        asyncio.TaskGroup() as tasks,
    ):

        async def step(id_: str) -> None:
            async with client.stream(model, stream_id=id_) as stream:
                while True:
                    await stream.step(ONE)
                    await asyncio.sleep(0.02)

        running = [tasks.create_task(step(id_)) for id_ in ids]
        yield client
        for task in running:
            task.cancel()


def url_of(server: Server) -> str:
    return HttpPort(server).url + "/"
