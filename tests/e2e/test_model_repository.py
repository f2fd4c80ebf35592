"""Model versions come and go at a running server, and its streams go on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import grpc
import numpy as np
import pytest

import stepwire
from service.core.model import Array, GoldenRun
from stepwire.v1 import repository_pb2 as pb
from stepwire.v1 import repository_pb2_grpc as pb_grpc
from tests import graphs
from tests.e2e.deployed import ACCUMULATOR, GRU, models, put_models, serving
from torture.processes import Reborn

State = pb.ModelVersion
STREAMS, STEPS = 12, 150


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return put_models(tmp_path / "repository")


async def states(stub: pb_grpc.ModelRepositoryAsyncStub) -> dict[tuple[str, int], pb.ModelVersion]:
    answer = await stub.List(pb.ListModelsRequest())
    return {(each.model, each.version): each for each in answer.versions}


async def run(stream: stepwire.Stream, inputs: Iterable[Array]) -> list[bytes]:
    """The outputs of one timestep after another."""
    return [np.asarray(await stream.step(x)).tobytes() for x in inputs]


async def run_all_but_the_last(
    stream: stepwire.Stream, inputs: Sequence[Array], then: asyncio.Event
) -> list[bytes]:
    """The outputs; the last timestep waits for what is to happen while the stream lives."""
    outputs = await run(stream, inputs[:-1])
    await then.wait()
    return outputs + await run(stream, inputs[-1:])


def one(count: int) -> list[Array]:
    return [np.ones(1, np.float32)] * count


def totals(outputs: Sequence[bytes]) -> list[float]:
    return [float(np.frombuffer(output, np.float32)[0]) for output in outputs]


def signals(streams: int) -> list[Array]:
    random = np.random.default_rng(0)
    return list(random.normal(size=(streams, STEPS, 4)).astype(np.float32))


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_streams_under_load_are_handed_over_without_a_trace(root: Path, store: str) -> None:
    """Two times, in the middle of their sequences: no output is lost, doubled or another."""
    inputs = signals(STREAMS)
    flags = () if store == "memory" else ("--store", f"sqlite:{root.parent / 'streams.db'}")
    with serving(root, "--swap", "handover", *flags) as server:
        async with stepwire.connect(server.address) as client, models(server.address) as stub:
            undisturbed = []
            for x in inputs:
                async with client.stream("gru") as stream:
                    undisturbed.append(await run(stream, x))
            moved_twice = asyncio.Event()
            streams = [client.stream("gru") for _ in inputs]
            counter = client.stream("accumulator")
            await asyncio.gather(*(stream.open() for stream in (*streams, counter)))
            all_inputs = (*map(list, inputs), one(STEPS))
            work = [
                asyncio.create_task(run_all_but_the_last(stream, x, moved_twice))
                for stream, x in zip((*streams, counter), all_inputs, strict=True)
            ]
            moved = []
            for version in (2, 3):
                graphs.put(root, "gru", GRU, version)
                graphs.put(root, "accumulator", ACCUMULATOR, version)
                while streams[0].next_step < 10 * version:
                    await asyncio.sleep(0.001)
                moved.append((await stub.Load(pb.LoadModelRequest(model="gru"))).moved)
                await stub.Load(pb.LoadModelRequest(model="accumulator"))
            moved_twice.set()
            *outputs, counted = await asyncio.gather(*work)
            assert outputs == undisturbed
            assert totals(counted) == list(range(1, STEPS + 1))
            assert moved == [STREAMS, STREAMS]
            assert {stream.version for stream in streams} == {3}


async def test_a_crash_in_the_middle_of_a_handover_loses_nothing(root: Path) -> None:
    flags = ("--store", f"sqlite:{root.parent / 'streams.db'}")
    graphs.put(root, "accumulator", ACCUMULATOR, 2)
    with Reborn(root, *flags, log=root.parent / "server.log") as server:
        async with stepwire.connect(server.address) as client:
            streams = [client.stream("accumulator", version=1) for _ in range(20 * STREAMS)]
            await asyncio.gather(*(stream.open() for stream in streams))
            running = streams[::20]
            crashed = asyncio.Event()
            work = [
                asyncio.create_task(run_all_but_the_last(stream, one(STEPS), crashed))
                for stream in running
            ]
            async with models(server.address) as stub:
                request = pb.LoadModelRequest(model="accumulator", swap=pb.SWAP_HANDOVER)
                loading = asyncio.ensure_future(stub.Load(request))
                while not any(stream.version == 2 for stream in running):
                    await asyncio.sleep(0.001)
                await server.crash()
                crashed.set()
                with contextlib.suppress(grpc.aio.AioRpcError):
                    await loading
            for outputs in await asyncio.gather(*work):
                assert totals(outputs) == list(range(1, STEPS + 1))
            assert 2 in {stream.version for stream in running}
            await asyncio.gather(*(stream.close() for stream in streams))


async def test_a_version_that_fails_its_golden_run_never_replaces_one_that_works(
    root: Path,
) -> None:
    golden = graphs.golden_run(graphs.accumulator(), graphs.ACCUMULATOR)
    off = GoldenRun(golden.inputs, (golden.outputs[0] + np.float32(0.1),), golden.atol)
    with serving(root, "--swap", "handover") as server:
        async with stepwire.connect(server.address) as client, models(server.address) as stub:
            async with client.stream("accumulator") as stream:
                await run(stream, one(3))
                wrong = graphs.package(graphs.accumulator(), graphs.ACCUMULATOR, off)
                graphs.put(root, "accumulator", wrong, 2)
                with pytest.raises(grpc.aio.AioRpcError) as failed:
                    await stub.Load(pb.LoadModelRequest(model="accumulator"))
                assert failed.value.code() is grpc.StatusCode.FAILED_PRECONDITION
                assert "accumulator/2 must not serve: " in str(failed.value.details())
                assert totals(await run(stream, one(2))) == [4, 5]
            async with client.stream("accumulator") as stream:
                assert stream.version == 1
            listed = await states(stub)
            assert listed["accumulator", 1].state == State.STATE_SERVING
            assert listed["accumulator", 2].state == State.STATE_REFUSED
            assert "0.1" in listed["accumulator", 2].reason


async def test_steps_are_answered_while_a_large_model_is_loaded(root: Path) -> None:
    large = graphs.package(*graphs.recurrent("GRU", inputs=64, hidden=1024))
    with serving(root) as server:
        async with stepwire.connect(server.address) as client, models(server.address) as stub:
            async with client.stream("accumulator") as stream:
                graphs.put(root, "large", large)
                await states(stub)  # the connection stands
                loading = asyncio.ensure_future(stub.Load(pb.LoadModelRequest(model="large")))
                outputs = []
                while not loading.done():
                    outputs += await run(stream, one(1))
                assert (await loading).version.state == State.STATE_SERVING
                # A server that stood still would answer what came before it, and at its end.
                assert len(outputs) > 10
                assert totals(outputs) == list(range(1, len(outputs) + 1))


async def test_an_unloaded_version_serves_its_streams_to_the_end(root: Path) -> None:
    graphs.put(root, "accumulator", ACCUMULATOR, 2)
    with serving(root) as server:
        async with stepwire.connect(server.address) as client, models(server.address) as stub:
            async with client.stream("accumulator", version=1) as stream:
                await run(stream, one(3))
                answer = await stub.Unload(pb.UnloadModelRequest(model="accumulator", version=1))
                assert answer.versions[0].state == State.STATE_DRAINING
                assert answer.versions[0].streams == 1
                with pytest.raises(stepwire.ModelNotFound, match="accumulator/1 was unloaded"):
                    await client.stream("accumulator", version=1).open()
                await stream.detach()
                async with client.stream(
                    "accumulator", stream_id=stream.id, mode="resume", token=stream.token
                ) as again:
                    assert again.version == 1
                    assert totals(await run(again, one(1))) == [4]
            listed = await states(stub)
            assert listed["accumulator", 1].state == State.STATE_NOT_LOADED
            assert listed["accumulator", 2].state == State.STATE_SERVING


async def test_a_stored_stream_is_told_which_version_to_load(root: Path) -> None:
    flags = ("--store", f"sqlite:{root.parent / 'streams.db'}")
    with serving(root, *flags) as server:
        async with stepwire.connect(server.address) as client:
            stream = client.stream("accumulator")
            await stream.open()
            await run(stream, one(3))
            await stream.detach()
        server.terminate()
        server.wait()
    package = root / "accumulator" / "1"
    package.rename(root.parent / "elsewhere")
    graphs.put(root, "accumulator", ACCUMULATOR, 2)
    with serving(root, *flags) as server:
        async with stepwire.connect(server.address) as client, models(server.address) as stub:
            again = client.stream(
                "accumulator", stream_id=stream.id, mode="resume", token=stream.token
            )
            with pytest.raises(
                stepwire.ModelNotFound,
                match="runs on model accumulator/1, .*models load accumulator --version 1",
            ):
                await again.open()
            (root.parent / "elsewhere").rename(package)
            await stub.Load(pb.LoadModelRequest(model="accumulator", version=1))
            async with client.stream(
                "accumulator", stream_id=stream.id, mode="resume", token=stream.token
            ) as resumed:
                assert resumed.version == 1
                assert totals(await run(resumed, one(1))) == [4]


async def test_a_version_describes_itself(root: Path) -> None:
    with serving(root) as server:
        async with models(server.address) as stub:
            told = await stub.Describe(pb.DescribeModelRequest(model="gru"))
            assert (told.version, told.batching) == (1, pb.ModelDescription.BATCHING_ANY)
            (state,) = told.states
            assert (state.name, list(state.shape), state.batch_axis) == ("h", [1, 32], 1)
            assert [list(tensor.shape) for tensor in (*told.inputs, *told.outputs)] == [[4], [32]]
            assert list(told.metadata) == ["stepwire"]
            assert told.digest == (await states(stub))["gru", 1].digest
            with pytest.raises(grpc.aio.AioRpcError, match="no version 7"):
                await stub.Describe(pb.DescribeModelRequest(model="gru", version=7))


async def test_every_worker_has_its_streams_handed_over(root: Path) -> None:
    flags = ("--workers", "2", "--store", f"sqlite:{root.parent / 'streams.db'}")
    with serving(root, *flags) as server:
        async with contextlib.AsyncExitStack() as stack:
            stub = await stack.enter_async_context(models(server.address))
            streams = []
            for _ in range(8):
                client = await stack.enter_async_context(stepwire.connect(server.address))
                streams.append(await stack.enter_async_context(client.stream("accumulator")))
            for stream in streams:
                await run(stream, one(2))
            graphs.put(root, "accumulator", ACCUMULATOR, 2)
            request = pb.LoadModelRequest(model="accumulator", swap=pb.SWAP_HANDOVER)
            answer = await stub.Load(request)
            assert (answer.moved, list(answer.notes)) == (8, [])
            assert answer.version.streams == 8
            for stream in streams:
                assert totals(await run(stream, one(1))) == [3]
                assert stream.version == 2
            listed = await states(stub)
            assert listed["accumulator", 1].streams == 0
            assert listed["accumulator", 2].streams == 8
