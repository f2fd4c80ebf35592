"""A server whose device is lost: it ends, and its streams go on where it is started again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

import stepwire
from service.runtime.loss import DEVICE_LOST
from tests.e2e.patience import until
from tests.lossy import ILLEGAL, Lossy
from torture.processes import Reborn, running
from torture.scrape import ANYWHERE, HttpPort

ONE = np.ones(1, np.float32)


@pytest.fixture
def lossy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lossy:
    return Lossy(tmp_path, monkeypatch)


async def total(stream: stepwire.Stream) -> float:
    return float((await stream.step(ONE))[0])


async def test_no_step_is_lost_or_doubled(repository: Path, tmp_path: Path, lossy: Lossy) -> None:
    flags = ("--store", f"sqlite:{tmp_path / 'streams.db'}")
    with Reborn(repository, *flags, log=tmp_path / "log") as server:
        async with stepwire.connect(server.address) as client:
            async with client.stream("accumulator") as stream:
                assert [await total(stream) for _ in range(20)] == list(range(1, 21))
                lossy.lose()
                step = asyncio.create_task(total(stream))
                assert await asyncio.to_thread(server.now.wait) == DEVICE_LOST
                assert not step.done()
                lossy.find()
                await server.come_back()
                assert await step == 21.0
                assert [await total(stream) for _ in range(20)] == list(range(22, 42))
        log = server.now.log
        assert f"error: cpu is lost: {ILLEGAL}" in log


async def test_a_worker_is_started_again(repository: Path, tmp_path: Path, lossy: Lossy) -> None:
    store = f"sqlite:{tmp_path / 'streams.db'}"
    flags = ("--workers", "2", "--store", store, *ANYWHERE)
    with running(repository, *flags, log=tmp_path / "log") as server:
        http = HttpPort(server)
        async with stepwire.connect(server.address) as client:
            async with client.stream("accumulator") as stream:
                assert await total(stream) == 1.0
                lossy.lose()
                step = asyncio.create_task(total(stream))
                await until(lambda: f"ended with code {DEVICE_LOST}" in server.log)
                lossy.find()
                assert await step == 2.0
        await until(lambda: http.ready()[0] == 200)
