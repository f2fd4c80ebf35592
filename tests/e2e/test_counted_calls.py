"""Timesteps are counted alike, whatever protocol brings them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import grpc
import numpy as np
import pytest

from stepwire.inference import inference_pb2 as pb
from stepwire.inference import inference_pb2_grpc as pb_grpc
from tests import graphs
from tests.e2e.inferring import request
from tests.e2e.wire import raw_call, raw_fleet
from torture.processes import Server, running
from torture.scrape import ANYWHERE, HttpPort, Metrics

STEPS = 4
ONE = np.ones((1, 1), np.float32)
Carried = Callable[[str, Callable[[], None]], Coroutine[Any, Any, None]]
TIMES = ("queue", "compute", "write", "jitter")


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, HttpPort]]:
    folder = tmp_path_factory.mktemp("counted")
    graphs.put(folder / "repository", "accumulator", graphs.accumulator_package())
    with running(folder / "repository", *ANYWHERE, log=folder / "log") as server:
        yield server, HttpPort(server)


async def native(address: str, seen: Callable[[], None]) -> None:
    async with raw_call(address) as call:
        await call.open("native")
        for step in range(STEPS):
            await call.add(step, 1)
        await call.step(STEPS + 1, ONE.tobytes())
        seen()


async def fleet(address: str, seen: Callable[[], None]) -> None:
    async with raw_fleet(address) as call:
        [opened] = await call.open(["member"], "accumulator")
        for step in range(STEPS):
            await call.step([opened.handle], step, ONE)
        await call.send([opened.handle], STEPS + 1, ONE)
        assert (await call.hear()).WhichOneof("event") == "errors"
        seen()


async def inference(address: str, seen: Callable[[], None]) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        call = pb_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer()
        for step in (*range(STEPS), STEPS + 1):
            await call.write(request(step))
            answer = await call.read()
            assert isinstance(answer, pb.ModelStreamInferResponse)
            assert bool(answer.error_message) == (step > STEPS), answer
        seen()
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("protocol", [native, fleet, inference], ids=lambda each: each.__name__)
async def test_each_protocol_is_counted(
    counted: tuple[Server, HttpPort], protocol: Carried
) -> None:
    server, http = counted
    name = protocol.__name__
    before = http.metrics()
    during: list[Metrics] = []
    await protocol(server.address, lambda: during.append(http.metrics()))

    def grown(series: str, **labels: str) -> float:
        return during[0].total(series, **labels) - before.total(series, **labels)

    assert grown("stepwire_calls", protocol=name) == 1
    assert grown("stepwire_calls") == 1
    assert [grown(f"stepwire_{each}_seconds_count") for each in TIMES] == [4, 4, 4, 2]
    assert grown("stepwire_steps_total") == grown("stepwire_batch_size_sum") == STEPS
    assert grown("stepwire_step_errors_total", code="STEP_GAP") == 1
    assert all(0 < grown(f"stepwire_{each}_seconds_sum") < 60 for each in TIMES)
    told = re.findall(r"WARNING \S+: stream (\S+) was refused a step", server.log)
    assert 1 <= len(told) == len(set(told))


async def test_a_call_that_has_ended_is_counted_no_more(
    counted: tuple[Server, HttpPort],
) -> None:
    server, http = counted
    async with raw_call(server.address) as call:
        await call.open("ends")
        await call.call.done_writing()
        await call.rest()
    async with asyncio.timeout(60):
        while http.metrics().total("stepwire_calls"):
            await asyncio.sleep(0.01)
