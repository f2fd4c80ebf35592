"""Many workers on one port: they die, come back, drain, and share the streams."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import select
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

import stepwire
from service.checkpoint.sqlite import SqliteStore
from service.core.streams import StreamKey
from stepwire.v1 import repository_pb2 as repository
from stepwire.v1 import repository_pb2_grpc as repository_grpc
from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc
from tests import graphs
from tests.e2e.patience import until
from tests.e2e.starting import started_in_vain
from tests.e2e.wire import RawCall
from torture.processes import Server, running
from torture.scrape import ANYWHERE, HttpPort

MODEL = {"model": "accumulator", "version": "1"}
ONE = np.ones(1, np.float32)


class Crowd:
    """A server of three workers that share a file."""

    def __init__(
        self, repository: Path, folder: Path, stack: contextlib.ExitStack, *more: str
    ) -> None:
        self.file = folder / "streams.db"
        flags = ("--workers", "3", "--store", f"sqlite:{self.file}", *ANYWHERE, *more)
        self.server: Server = stack.enter_context(
            running(repository, *flags, log=folder / "server.log")
        )
        self.http = HttpPort(self.server)

    def pid(self, worker: str) -> int:
        """Of the newest process that the worker is."""
        found = re.findall(rf"worker {worker} is process (\d+)", self.server.log)
        return int(found[-1])

    def is_ready(self) -> bool:
        return self.http.ready()[0] == 200


@contextlib.contextmanager
def watched(*pids: int) -> Iterator[list[int]]:
    """Handles of processes, which can be waited for although they are not this one's."""
    handles = [os.pidfd_open(pid) for pid in pids]
    try:
        yield handles
    finally:
        for handle in handles:
            os.close(handle)


def ended(handle: int) -> bool:
    return bool(select.select([handle], [], [], 0)[0])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    root = tmp_path / "small"
    graphs.put(root, "accumulator", graphs.accumulator_package())
    return root


@pytest.fixture
def crowd(small: Path, tmp_path: Path) -> Iterator[Crowd]:
    with contextlib.ExitStack() as stack:
        yield Crowd(small, tmp_path, stack)


@pytest.fixture
def patient(small: Path, tmp_path: Path) -> Iterator[Crowd]:
    """As `crowd`; a worker that needs a stream waits for the one that has it."""
    with contextlib.ExitStack() as stack:
        yield Crowd(small, tmp_path, stack, "--takeover-wait", "600")


async def count(stream: stepwire.Stream, number: int) -> None:
    """So many more steps, whose total is right at each."""
    for step in range(stream.next_step, stream.next_step + number):
        [total] = await stream.step(ONE)
        assert total == step + 1


async def test_a_worker_that_is_killed_comes_back_and_the_others_go_on(crowd: Crowd) -> None:
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(stepwire.connect(crowd.server.address))
            for _ in range(12)
        ]
        streams = [
            await stack.enter_async_context(client.stream("accumulator")) for client in clients
        ]
        await asyncio.gather(*(count(stream, 10) for stream in streams))
        assert crowd.http.metrics().total("stepwire_steps_total", **MODEL) == 120
        killed = crowd.pid("2")
        os.kill(killed, signal.SIGKILL)
        await until(lambda: not crowd.is_ready())
        assert crowd.http.ready()[1]["workers"]["2"]["reason"] == "starting"
        await asyncio.gather(*(count(stream, 10) for stream in streams))
        await until(crowd.is_ready)
        await asyncio.gather(*(count(stream, 10) for stream in streams))
    metrics = crowd.http.metrics()
    assert crowd.pid("2") != killed
    assert metrics.total("stepwire_worker_restarts_total", worker="2") == 1
    assert metrics.total("stepwire_worker_restarts_total") == 1
    # What the store did not have of the dead worker's streams has run again.
    assert metrics.total("stepwire_steps_total", **MODEL) >= 360
    assert metrics.total("stepwire_streams") == 0
    assert metrics.total("process_resident_memory_bytes", worker="2") > 2**20


@contextlib.asynccontextmanager
async def own_call(crowd: Crowd) -> AsyncIterator[RawCall]:
    """A call on a connection of its own, which some worker takes."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(crowd.server.address, options) as channel:
        stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(channel)
        call = stub.Stream()
        yield RawCall(call)
        call.cancel()


async def add(call: RawCall, number: int) -> float:
    """Sends step `number`, a 1; the total."""
    await call.send(step=pb.Step(step=number, inputs=[ONE.tobytes()]))
    while (heard := await call.hear()).WhichOneof("event") != "output":
        assert heard.WhichOneof("event") == "durable", heard
    return float(np.frombuffer(heard.output.outputs[0], np.float32)[0])


async def is_asked_to_go(call: RawCall) -> bool:
    return any(message.WhichOneof("event") == "going_away" for message in await call.rest())


async def test_a_stop_drains_every_worker(crowd: Crowd) -> None:
    with watched(*map(crowd.pid, "123")) as workers:
        async with contextlib.AsyncExitStack() as stack:
            calls = [await stack.enter_async_context(own_call(crowd)) for _ in range(9)]
            for number, call in enumerate(calls):
                await call.open(f"stream-{number}")
                assert await add(call, 0) == 1
            crowd.server.terminate()
            assert all([await is_asked_to_go(call) for call in calls])
        assert await asyncio.to_thread(crowd.server.wait) == 0
        assert all(map(ended, workers))
    assert crowd.server.log.count("service.app: stopped") == 3


async def test_no_worker_outlives_its_parent(crowd: Crowd) -> None:
    with watched(*map(crowd.pid, "123")) as workers:
        async with own_call(crowd) as call:
            await call.open("left-behind")
            assert await add(call, 0) == 1
            crowd.server.kill()
            assert await is_asked_to_go(call)
        await until(lambda: all(map(ended, workers)))


async def test_a_stream_goes_on_at_another_worker_for_a_client_that_keeps_nothing(
    patient: Crowd,
) -> None:
    hops = 12
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(60):
        for hop in range(hops):
            mode = pb.OPEN_MODE_RESUME if hop else pb.OPEN_MODE_CREATE
            # Those before it stay open: their workers are asked for the stream.
            call = await stack.enter_async_context(own_call(patient))
            assert (await call.open("wanderer", mode=mode)).next_step == 3 * hop
            assert [await add(call, 3 * hop + step) for step in range(3)] == [
                3 * hop + step + 1 for step in range(3)
            ]
    store = SqliteStore(str(patient.file), timeout=30)
    try:
        record = await store.read(StreamKey("", "wanderer"))
    finally:
        await store.close()
    assert record
    # A worker that takes a stream from another begins an epoch.
    assert record.fence.epoch > 1


async def versions(crowd: Crowd) -> set[int]:
    """That new streams get, at any worker."""
    found = set()
    for _ in range(12):
        async with own_call(crowd) as call:
            found.add((await call.open(secrets.token_hex(4))).version)
    return found


async def test_an_order_reaches_every_worker_and_those_that_come_back(
    crowd: Crowd, small: Path
) -> None:
    graphs.put(small, "accumulator", graphs.accumulator_package(), 2)
    assert await versions(crowd) == {1}
    async with grpc.aio.insecure_channel(crowd.server.address) as channel:
        models: repository_grpc.ModelRepositoryAsyncStub
        models = repository_grpc.ModelRepositoryStub(channel)
        await models.Load(repository.LoadModelRequest(model="accumulator"))
    assert await versions(crowd) == {2}
    # Nobody has ordered it, so that a worker which starts again must leave it.
    graphs.put(small, "accumulator", graphs.accumulator_package(), 3)
    os.kill(crowd.pid("2"), signal.SIGKILL)
    await until(lambda: not crowd.is_ready())
    await until(crowd.is_ready)
    assert await versions(crowd) == {2}


def test_a_taken_port_is_told_before_a_model_is_loaded(small: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, errors = started_in_vain(
            *("--repository", str(small), "--listen", address),
            *("--workers", "2", "--store", f"sqlite:{tmp_path / 'streams.db'}"),
        )
    assert code == 2
    assert errors == f"error: cannot listen on {address}: it is taken, or not this machine's\n"


def test_why_no_worker_can_start_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, errors = started_in_vain(
        *("--repository", str(tmp_path / "empty"), "--listen", "127.0.0.1:0"),
        *("--workers", "3", "--store", f"sqlite:{tmp_path / 'streams.db'}"),
    )
    assert code == 2
    [line] = [line for line in errors.splitlines() if line.startswith("error:")]
    assert "may serve: add a package" in line
