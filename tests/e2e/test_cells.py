"""Streamed through a real server: what torch gives for the whole sequence."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import stepwire
from service.core.model import Array
from tests import networks
from torture.processes import Server

STEPS = 64
NEIGHBOURS = 63


async def streamed(client: stepwire.Client, model: str, inputs: Array) -> Array:
    """The outputs of one stream for inputs [T, F], stacked."""
    async with client.stream(model) as stream:
        return np.stack([np.asarray(await stream.step(x)) for x in inputs])


@pytest.mark.parametrize("model", networks.ARCHITECTURES)
async def test_streamed_equals_the_whole_sequence_in_torch(server: Server, model: str) -> None:
    inputs = networks.signal(1, 256, seed=1)
    expected = networks.whole(networks.network(model), inputs)[0]
    async with stepwire.connect(server.address) as client:
        outputs = await streamed(client, model, inputs[0])
    assert np.abs(outputs - expected).max() < 1e-5


@pytest.mark.parametrize("model", [*networks.ARCHITECTURES, "neighbourly"])
async def test_a_stream_is_the_same_to_the_last_bit_whoever_else_runs(
    server: Server, model: str
) -> None:
    width = 1 if model == "neighbourly" else networks.FEATURES
    inputs = networks.signal(1, STEPS, seed=2)[0, :, :width]
    noise = 100 * networks.signal(NEIGHBOURS, STEPS, seed=3)[:, :, :width]
    async with stepwire.connect(server.address) as client:
        alone = await streamed(client, model, inputs)
        again = await streamed(client, model, inputs)
        crowd = await asyncio.gather(
            streamed(client, model, inputs), *(streamed(client, model, row) for row in noise)
        )
    assert alone.tobytes() == again.tobytes() == crowd[0].tobytes()


async def test_neighbours_do_share_runs(server: Server) -> None:
    sizes = []

    async def stream(client: stepwire.Client) -> None:
        async with client.stream("gru") as one:
            for x in networks.signal(1, STEPS)[0]:
                await one.step(x)
                assert one.info
                sizes.append(one.info.batch_size)

    async with stepwire.connect(server.address) as client:
        await asyncio.gather(*(stream(client) for _ in range(16)))
    assert max(sizes) > 1
