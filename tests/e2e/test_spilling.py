"""A service whose streams are more than its device has memory for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

import stepwire
from tests import graphs
from torture.processes import Server, running
from torture.scrape import ANYWHERE, HttpPort

STATE = 4 * 2**14
MEMORY = 2**20
MAX_BATCH = 2
ROWS = MEMORY // 2 // STATE - MAX_BATCH - 1
STREAMS = 12


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    graphs.put(tmp_path, "wide", graphs.package(*graphs.wide()))
    flags = ("--device", "cpu", "--device-memory", str(MEMORY), "--max-batch", str(MAX_BATCH))
    with running(tmp_path, *flags, *ANYWHERE, log=tmp_path / "log") as started:
        yield started


async def test_streams_that_find_no_row_wait_on_the_host_and_go_on(server: Server) -> None:
    port = HttpPort(server)
    of_wide = {"model": "wide", "version": "1"}
    inputs = np.random.default_rng(0).integers(-99, 99, (STREAMS, 2**14)).astype(np.float32)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(stepwire.connect(server.address))
        streams = [await stack.enter_async_context(client.stream("wide")) for _ in range(STREAMS)]
        for step in range(1, 5):
            totals = await asyncio.gather(
                *(stream.step(x) for stream, x in zip(streams, inputs, strict=True))
            )
            assert np.array_equal(totals, step * inputs)
        metrics = port.metrics()
        assert metrics.total("stepwire_device_rows", **of_wide, state="used") == ROWS
        assert metrics.total("stepwire_device_rows", **of_wide, state="free") == 0
        assert metrics.total("stepwire_host_slots", **of_wide) == STREAMS - ROWS
        entries = metrics.total("stepwire_device_entries_total", **of_wide)
        assert metrics.total("stepwire_spills_total", **of_wide) == entries - ROWS > STREAMS
    metrics = port.metrics()
    assert metrics.total("stepwire_device_rows", **of_wide, state="free") == ROWS
    assert metrics.total("stepwire_host_slots", **of_wide) == 0
