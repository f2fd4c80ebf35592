"""The process: health, reflection, draining, and starts that fail."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

import stepwire
import stepwire.sync
from tests.e2e.conftest import Start
from tests.e2e.starting import started_in_vain
from tests.e2e.wire import raw_call
from tests.networks import signal as noise
from torture.processes import Server
from torture.scrape import ANYWHERE, HttpPort

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
WIDE = bytes(4 * 2**14)


def test_health_and_reflection_are_on(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest()).status == SERVING
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        service = pool.FindServiceByName("stepwire.v1.StreamInference")
        assert [method.name for method in service.methods] == ["Stream", "Fleet"]


async def test_a_draining_server_answers_what_it_has_accepted_and_stops(start: Start) -> None:
    server = start(*ANYWHERE)
    http = HttpPort(server)
    async with raw_call(server.address) as call:
        await call.open("drained", model="wide")
        _, writing = await call.flood(WIDE)
        ran = http.metrics().total("stepwire_steps_total", model="wide")
        server.terminate()
        stopping = asyncio.create_task(asyncio.to_thread(server.wait))
        # It waits for a client that has answers to read.
        assert not (await asyncio.wait([stopping], timeout=1.0))[0]
        heard = await call.rest()
        await asyncio.wait([writing])
        [farewell] = [message for message in heard if message.WhichOneof("event") == "going_away"]
        assert "stopping" in farewell.going_away.reason
        steps = [message.output.step for message in heard if message is not farewell]
        assert steps == list(range(len(steps)))
        assert len(steps) >= ran
        assert await call.failure() == (
            grpc.StatusCode.UNAVAILABLE,
            "this server is stopping: resume the stream in a moment",
            "SERVER_DRAINING",
        )
    assert await stopping == 0


async def test_steps_at_a_server_that_stops_are_answered_or_unavailable(start: Start) -> None:
    server = start()
    async with stepwire.connect(server.address, retry_for=0.2) as client:
        stream = client.stream("gru")
        await stream.open()
        steps = [asyncio.create_task(stream.step(x)) for x in noise(1, 8)[0]]
        await asyncio.sleep(0)
        server.terminate()
        results = await asyncio.gather(*steps, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        assert all(isinstance(failure, stepwire.Unavailable) for failure in failures)
        assert results[len(results) - len(failures) :] == failures
        with pytest.raises(stepwire.Unavailable):
            await stream.step(noise(1, 1)[0, 0])
    assert server.wait() == 0


async def test_draining_is_told_to_health_watchers(start: Start) -> None:
    server = start()
    async with (
        grpc.aio.insecure_channel(server.address) as channel,
        raw_call(server.address) as call,
    ):
        await call.open("watched")
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        server.terminate()
        assert (await watch.read()).status == NOT_SERVING
    assert server.wait() == 0


async def test_a_client_that_does_not_read_holds_a_stop_no_longer_than_the_grace(
    start: Start,
) -> None:
    server = start("--grace", "0.5")
    async with raw_call(server.address) as call:
        await call.open("deaf", model="wide")
        _, writing = await call.flood(WIDE)
        began = time.monotonic()
        server.terminate()
        assert await asyncio.to_thread(server.wait) == 0
        assert time.monotonic() - began < 10  # what a stop has by default
        await asyncio.wait([writing])


async def test_a_client_that_does_not_read_is_not_read_either(start: Start) -> None:
    server = start("--window", "4")
    async with raw_call(server.address) as call:
        await call.open("flood", model="wide")
        sent, writing = await call.flood(WIDE)
        assert sent < 500
        for number in range(sent + 1):
            assert (await call.hear()).output.step == number
        await writing


def test_a_taken_port_is_told(repository: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, errors = started_in_vain("--repository", str(repository), "--listen", address)
    assert code == 2
    assert f"error: cannot listen on {address}: it is taken" in errors


def test_a_model_that_must_not_serve_is_named_to_its_clients(
    repository: Path, start: Start, tmp_path: Path
) -> None:
    damaged = (repository / "gru" / "1" / "model.onnx").read_bytes()[:-200]
    for name, content in (("good", repository / "accumulator"), ("damaged", None)):
        folder = tmp_path / "mixed" / name / "1"
        folder.mkdir(parents=True)
        data = (content / "1" / "model.onnx").read_bytes() if content else damaged
        (folder / "model.onnx").write_bytes(data)
    server = start("--repository", str(tmp_path / "mixed"))
    assert "refused damaged/1: ONNX Runtime does not load it" in server.log
    with stepwire.sync.connect(server.address) as client:
        with client.stream("good"):
            pass
        with pytest.raises(stepwire.ModelNotFound, match="damaged/1 does not serve: ONNX Runtime"):
            client.stream("damaged").open()
