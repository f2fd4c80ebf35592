"""The service on libnghttp2, which it serves with only where asked to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import numpy as np
import pytest

from stepwire import connect
from stepwire.inference import inference_pb2 as pb
from stepwire.inference import inference_pb2_grpc as pb_grpc
from tests.e2e.conftest import Start
from tests.pages import Page
from tests.transports import needs_nghttp2

ONE = np.ones(1, np.float32)
CHOSEN = ("--transport", "nghttp2")


@pytest.fixture(autouse=True)
def _installed() -> None:
    needs_nghttp2()


def test_the_page_says_how_it_is_chosen() -> None:
    command = Page("docs/operating.md").block("sh", "--transport")
    assert command.split() == ["stepwire", "serve", *CHOSEN]


async def test_streams_and_fleets_are_served_and_drained(start: Start) -> None:
    server = start(*CHOSEN)
    async with connect(server.address) as client:
        async with client.stream("accumulator") as stream:
            totals = [(await stream.step(ONE)).item() for _ in range(3)]
            assert totals == [1.0, 2.0, 3.0]
            many = [client.stream("accumulator") for _ in range(20)]
            await asyncio.gather(*(each.open() for each in many))
            answers = await asyncio.gather(*(each.step(ONE) for each in many))
            assert [answer.item() for answer in answers] == [1.0] * 20
            server.terminate()
            assert await asyncio.to_thread(server.wait) == 0
    assert "Traceback" not in server.log


async def test_it_says_at_debug_who_connects(start: Start) -> None:
    server = start(*CHOSEN, "--log-level", "debug")
    async with connect(server.address) as client, client.stream("accumulator") as stream:
        assert (await stream.step(ONE)).item() == 1.0
    assert "service.transport.connection: ipv4:127.0.0.1:" in server.log


async def test_workers_share_its_port(start: Start, tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'streams.db'}"
    server = start(*CHOSEN, "--workers", "2", "--store", store)
    for _ in range(4):
        async with connect(server.address) as client, client.stream("accumulator") as stream:
            assert (await stream.step(ONE)).item() == 1.0


async def test_sequences_are_answered_in_order_also_for_who_reads_late(start: Start) -> None:
    server = start(*CHOSEN)
    async with grpc.aio.insecure_channel(server.address) as channel:
        call = pb_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer()
        for number in range(3_000):
            message = pb.ModelInferRequest(model_name="accumulator", id=str(number))
            message.parameters["sequence_id"].int64_param = 7
            if number == 0:
                message.parameters["sequence_start"].bool_param = True
            message.inputs.add(name="x", datatype="FP32", shape=(1, 1))
            message.raw_input_contents.append(ONE.tobytes())
            await call.write(message)
        await call.done_writing()
        answers = [answer.infer_response async for answer in call]
    assert [answer.id for answer in answers] == [str(number) for number in range(3_000)]
    totals = [np.frombuffer(answer.raw_output_contents[0], "<f4")[0] for answer in answers]
    assert totals == list(range(1, 3_001))
