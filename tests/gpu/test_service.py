"""The service on a CUDA device."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

import stepwire
from tests.pages import ROOT
from torture.processes import Server, running
from torture.scrape import ANYWHERE, HttpPort

pytestmark = pytest.mark.gpu

DEVICE = "cuda:0"
REPOSITORY, MODEL = ROOT / "model_repository", "sine-gru"
STREAMS, STEPS = 16, 64


async def outputs(server: Server) -> list[list[float]]:
    """Per timestep, of each of some streams, which share runs."""
    async with stepwire.connect(server.address) as client, AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(client.stream(MODEL)) for _ in range(STREAMS)]
        phases = np.arange(STREAMS, dtype=np.float32)
        return [
            [
                float(output[0])
                for output in await asyncio.gather(
                    *(
                        each.step([x])
                        for each, x in zip(streams, np.sin(phases + step), strict=True)
                    )
                )
            ]
            for step in range(STEPS)
        ]


async def test_it_serves_from_the_device_and_says_so(tmp_path: Path) -> None:
    with running(REPOSITORY, "--device", "cpu", log=tmp_path / "cpu") as server:
        expected = await outputs(server)
    with running(REPOSITORY, "--device", DEVICE, *ANYWHERE, log=tmp_path / "cuda") as server:
        http = HttpPort(server)
        assert await outputs(server) == pytest.approx(np.array(expected), abs=1e-3)
        assert http.ready()[1]["device"] == DEVICE
        assert f'device="{DEVICE}"' in http.get("/metrics")[1]
        assert f"models run on {DEVICE}, " in server.log


async def test_a_stream_that_goes_on_at_another_device_is_not_called_exact(tmp_path: Path) -> None:
    store = ("--store", f"sqlite:{tmp_path / 'streams.db'}")
    one = np.zeros(1, np.float32)
    with running(REPOSITORY, "--device", DEVICE, *store, log=tmp_path / "cuda") as first:
        async with stepwire.connect(first.address) as client, client.stream(MODEL) as stream:
            await stream.step(one)
            assert stream.exact
            first.terminate()
            await asyncio.to_thread(first.wait)
            here = ("--device", "cpu", "--listen", first.address)
            with running(REPOSITORY, *here, *store, log=tmp_path / "cpu"):
                await stream.step(one)
                assert not stream.exact


def test_a_model_that_finds_no_room_is_refused_with_the_numbers(tmp_path: Path) -> None:
    flags = ("--device", DEVICE, "--device-memory", "1MiB", "--max-batch", "4")
    with running(REPOSITORY, *flags, log=tmp_path / "log") as server:
        [refused] = [line for line in server.log.splitlines() if "refused text-gru/1" in line]
        assert "bytes free, of which a model may have 1,048,576" in refused
