"""A served network at the pendulum's motor: one stream, one timestep per message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from demo.pendulum.loop import Answer, Controller, Reading
from models.tasks.pendulum.world import MAX_TORQUE, READING
from stepwire import Client, InvalidInput, Stream


@asynccontextmanager
async def controller(client: Client, model: str) -> AsyncIterator[Controller]:
    """Opens a stream of its own. Raises InvalidInput for a model of something else."""
    stream = client.stream(model)
    await stream.open()

    async def answer(reading: Reading, budget: float) -> Answer:
        [torque] = await stream.step(reading, budget=budget)
        assert stream.info is not None  # a step has been answered
        limited = float(np.clip(torque, -MAX_TORQUE, MAX_TORQUE))
        return Answer(limited, late=stream.info.verdict != "on_time")

    try:
        _check_signature(model, stream)
        yield answer
    finally:
        # Nobody will resume a demo, so its state is not left on the server, as detaching would.
        await stream.close()


def _check_signature(model: str, stream: Stream) -> None:
    inputs, outputs = stream.signature.inputs, stream.signature.outputs
    if [tensor.shape for tensor in (*inputs, *outputs)] != [(len(READING),), (1,)]:
        raise InvalidInput(
            f"{model} takes {list(inputs)} and gives {list(outputs)}: name a --model that takes "
            f"{len(READING)} values, {' and '.join(READING)}, and gives 1, the torque"
        )
