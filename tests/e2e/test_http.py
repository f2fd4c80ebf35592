"""The HTTP port of one process: what it tells of streams, of the store, and of a stop."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import stepwire
from stepwire.v1 import stream_pb2 as pb
from tests.e2e.conftest import Start
from tests.e2e.patience import until
from tests.e2e.starting import started_in_vain
from tests.e2e.wire import raw_call
from torture.scrape import ANYWHERE, HttpPort

MODEL = {"model": "accumulator", "version": "2"}
ONE = np.ones(1, np.float32)


async def test_what_streams_do_is_counted(start: Start) -> None:
    server = start(*ANYWHERE, "--max-streams", "1")
    http = HttpPort(server)
    async with raw_call(server.address) as call:
        await call.open("counted")
        for number in range(5):
            await call.add(number, 1)
        await call.step(4, ONE.tobytes())
        await call.step(9, ONE.tobytes())
        await call.step(5, b"short")
        async with raw_call(server.address) as other:
            await other.send(open=pb.Open(model="accumulator", stream_id="one-too-many"))
            assert (await other.failure())[2] == "TOO_MANY_STREAMS"
        told = http.metrics()
        assert told.total("stepwire_steps_total", **MODEL) == 5
        assert told.total("stepwire_batches_total", **MODEL) == 5
        assert told.total("stepwire_replayed_steps_total", **MODEL) == 1
        assert told.total("stepwire_step_errors_total", **MODEL, code="STEP_GAP") == 1
        assert told.total("stepwire_step_errors_total", **MODEL, code="INVALID_INPUT") == 1
        assert told.total("stepwire_step_errors_total") == 2
        assert told.total("stepwire_opens_total") == 1
        assert told.total("stepwire_opens_refused_total", reason="TOO_MANY_STREAMS") == 1
        assert told.total("stepwire_streams", state="attached") == 1
        assert told.total("stepwire_slots_used", **MODEL) == 1
        assert 0 < told.total("stepwire_compute_seconds_sum", **MODEL) < 60
        assert 0 < told.total("stepwire_queue_seconds_sum", **MODEL) < 60
    await until(lambda: http.metrics().total("stepwire_streams", state="detached") == 1)
    assert http.metrics().total("stepwire_streams", state="attached") == 0


async def test_a_server_that_drains_is_alive_and_not_ready(start: Start) -> None:
    server = start(*ANYWHERE, "--grace", "20")
    http = HttpPort(server)
    assert http.ready() == (
        200,
        {
            "ready": True,
            "reason": "serving",
            "store": {"state": "ok", "since": None},
            "device": "cpu",
        },
    )
    async with raw_call(server.address) as call:
        await call.open("deaf", model="wide")
        _, writing = await call.flood(bytes(4 * 2**14))
        server.terminate()
        await until(lambda: http.ready()[0] == 503)
        assert http.ready()[1]["reason"] == "draining"
        assert http.get("/healthz") == (200, "ok\n")
    await asyncio.wait([writing])
    assert await asyncio.to_thread(server.wait) == 0


async def test_a_server_whose_store_is_away_is_degraded_and_ready(
    start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "streams.db"
    server = start(*ANYWHERE, "--store", f"sqlite:{file}", "--store-timeout", "1")
    http = HttpPort(server)
    async with stepwire.connect(server.address) as client, client.stream("accumulator") as stream:
        await stream.step(ONE)
        await until(lambda: http.metrics().total("stepwire_store_records_written_total") > 0)
        await until(lambda: http.metrics().total("stepwire_store_degraded") == 0)
        with closing(sqlite3.connect(file, isolation_level=None)) as elsewhere:
            elsewhere.execute("BEGIN IMMEDIATE")
            await stream.step(ONE)
            await until(lambda: http.metrics().total("stepwire_store_degraded") == 1)
            status, told = http.ready()
            assert (status, told["store"]["state"]) == (200, "degraded")
            assert told["store"]["since"]
            counted = http.metrics()
            assert counted.total("stepwire_store_failures_total") > 0
            assert counted.total("stepwire_oldest_unsaved_step_age_seconds") > 0.1
            elsewhere.execute("ROLLBACK")
        await until(lambda: http.ready()[1]["store"] == {"state": "ok", "since": None})


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_taken_http_port_is_told(
    start: Start, repository: Path, workers: str, tmp_path: Path
) -> None:
    taken = start().address
    code, errors = started_in_vain(
        *("--repository", str(repository), "--listen", "127.0.0.1:0", "--http-listen", taken),
        *("--workers", workers, "--store", f"sqlite:{tmp_path / 'streams.db'}"),
    )
    assert code == 2
    assert f"error: cannot listen on {taken}: it is taken" in errors
