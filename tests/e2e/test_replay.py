"""kill -9 of a server with a durable store, and a hand-over to another version of the model: the
client gives again what is lost, and goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

import stepwire
import stepwire.sync
from stepwire.v1 import repository_pb2 as repository_pb
from stepwire.v1 import repository_pb2_grpc as repository_grpc
from tests import graphs
from torture.processes import Reborn
from torture.proxy import Way, proxied
from torture.witness import Witness

NEVER = ("--checkpoint-interval", "60")
"""For a minute from its start such a server saves nothing: the store has a stream as it was
opened.
"""
OFTEN = ("--checkpoint-interval", "0.02")
TWO_STEPS = 2 * (128 + 64 + 4)
"""What keeping two steps of the accumulator takes."""


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Witness:
    """Its repository has an accumulator too."""
    root = tmp_path_factory.mktemp("repository")
    graphs.put(root, "accumulator", graphs.accumulator_package())
    return Witness(root)


@pytest.fixture(scope="module")
def forgetful(witness: Witness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reborn]:
    with reborn(witness.repository, tmp_path_factory.mktemp("forgetful"), *NEVER) as server:
        yield server


@pytest.fixture(scope="module")
def diligent(witness: Witness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reborn]:
    with reborn(witness.repository, tmp_path_factory.mktemp("diligent"), *OFTEN) as server:
        yield server


def reborn(repository: Path, ground: Path, *flags: str) -> Reborn:
    store = ("--store", f"sqlite:{ground / 'streams.db'}")
    return Reborn(repository, *store, *flags, log=ground / "log")


async def test_a_stream_outlives_its_server_to_the_last_bit(
    forgetful: Reborn, witness: Witness
) -> None:
    await forgetful.crash()  # its minute begins
    async with stepwire.connect(forgetful.address) as client, client.stream("witness") as stream:
        outputs = []
        for step in range(60):
            if step == 30:
                assert stream.durable and stream.protected and stream.durable_step == 0
                await forgetful.crash()
            outputs.append(await stream.step(witness.input(0, step)))
        assert stream.exact
    undisturbed = [seen for _, _, seen in witness.undisturbed({0: 60})]
    assert [output["y"].tobytes() for output in outputs] == [seen.y for seen in undisturbed]
    assert [int(output["taken"][0]) for output in outputs] == [seen.taken for seen in undisturbed]


async def test_a_window_in_flight_and_refused_steps_come_through_a_crash(
    forgetful: Reborn,
) -> None:
    async with stepwire.connect(forgetful.address) as client:
        async with client.stream("accumulator") as stream:
            before = [stream.step([x]) for x in (1.0, np.nan, 2.0, 4.0)]
            answered = await asyncio.gather(*before, return_exceptions=True)
            under_way = [asyncio.create_task(stream.step([x])) for x in (8.0, np.nan, 16.0)]
            await asyncio.sleep(0)
            await forgetful.crash()
            answered += await asyncio.gather(*under_way, return_exceptions=True)
            assert (await stream.step([0.0])).tolist() == [31.0]
    assert [type(y) if isinstance(y, BaseException) else float(y[0]) for y in answered] == [
        1.0,
        stepwire.InvalidInput,
        3.0,
        7.0,
        15.0,
        stepwire.InvalidInput,
        31.0,
    ]


async def test_a_held_step_stays_held(forgetful: Reborn) -> None:
    async with stepwire.connect(forgetful.address) as client:
        async with client.stream("accumulator", late="hold") as stream:
            await stream.step([1.0])
            assert (await stream.step([50.0], budget=0.0)).tolist() == [1.0]
            assert stream.info and stream.info.verdict == "held"
            await forgetful.crash()
            assert (await stream.step([2.0])).tolist() == [3.0]


async def test_what_is_not_kept_is_told_before_and_raised_after_a_crash(
    forgetful: Reborn,
) -> None:
    await forgetful.crash()  # its minute begins
    async with stepwire.connect(forgetful.address) as client:
        async with client.stream("accumulator", replay_bytes=TWO_STEPS) as stream:
            for _ in range(3):
                await stream.step([1.0])
            assert not stream.protected
            await forgetful.crash()
            with pytest.raises(stepwire.StateLost, match="at step 0 and the inputs before step 1"):
                await stream.step([1.0])


async def test_a_second_crash_in_the_midst_of_a_replay_changes_nothing(
    forgetful: Reborn,
) -> None:
    await forgetful.crash()  # its minute begins
    async with proxied(forgetful) as proxy, stepwire.connect(proxy.address) as client:
        async with client.stream("accumulator") as stream:
            for _ in range(200):
                await stream.step([1.0])
            # The answers to 200 steps take three times as many bytes.
            proxy.cut_within(Way.ANSWERS, 2000)
            await forgetful.crash()
            step = asyncio.create_task(stream.step([1.0]))
            await proxy.has_cut.wait()
            await forgetful.crash()
            assert (await step).tolist() == [201.0]


def test_a_client_without_async_replays_too(forgetful: Reborn) -> None:
    with stepwire.sync.connect(forgetful.address) as client:
        with client.stream("accumulator") as stream:
            assert [float(stream.step([1.0])[0]) for _ in range(5)] == [1.0, 2.0, 3.0, 4.0, 5.0]
            asyncio.run(forgetful.crash())
            assert float(stream.step([1.0])[0]) == 6.0
            assert stream.durable and stream.exact


async def test_the_store_catches_up_and_the_client_hears_of_it_without_stepping(
    diligent: Reborn,
) -> None:
    async with stepwire.connect(diligent.address) as client:
        async with client.stream("accumulator") as stream:
            for _ in range(10):
                await stream.step([1.0])
            await saved(stream, 10)
            assert stream.protected


async def saved(stream: stepwire.Stream, step: int) -> None:
    async with asyncio.timeout(60):
        while stream.durable_step < step:
            await asyncio.sleep(0.01)


async def test_who_waits_for_protection_loses_nothing_with_room_for_two_steps(
    diligent: Reborn,
) -> None:
    async with stepwire.connect(diligent.address) as client:
        async with client.stream(
            "accumulator", on_unprotected="wait", replay_bytes=TWO_STEPS
        ) as stream:
            totals = []
            for number in range(10):
                if number == 5:
                    await diligent.crash()
                totals.append(float((await stream.step([1.0]))[0]))
                assert stream.protected
    assert totals == [float(n) for n in range(1, 11)]


async def test_a_sync_stream_has_every_answer_in_the_store(diligent: Reborn) -> None:
    async with stepwire.connect(diligent.address) as client:
        async with client.stream("accumulator", sync=True, replay_bytes=0) as stream:
            for number in range(1, 4):
                assert (await stream.step([1.0])).tolist() == [float(number)]
                assert stream.durable_step == number
            await diligent.crash()
            assert (await stream.step([1.0])).tolist() == [4.0]


async def test_another_client_goes_on_with_what_the_store_has(diligent: Reborn) -> None:
    async with stepwire.connect(diligent.address) as client:
        stream = client.stream("accumulator", stream_id="handed-on")
        await stream.open()
        for _ in range(3):
            await stream.step([1.0])
        await saved(stream, 3)
    await diligent.crash()
    async with stepwire.connect(diligent.address) as client:
        async with client.stream(
            "accumulator", stream_id="handed-on", mode="resume", token=stream.token, from_step=2
        ) as resumed:
            assert (await resumed.step([1.0])).tolist() == [3.0]
            assert (await resumed.step([1.0])).tolist() == [4.0]
            assert resumed.protected


async def test_a_stream_goes_on_with_the_version_it_is_handed_to_and_is_replayed_on_that(
    tmp_path: Path,
) -> None:
    repository = tmp_path / "repository"
    graphs.put(repository, "accumulator", graphs.accumulator_package(), 1)
    with reborn(repository, tmp_path, *NEVER) as server:
        async with stepwire.connect(server.address) as client:
            async with client.stream("accumulator") as stream:
                totals = [float((await stream.step([1.0]))[0]) for _ in range(3)]
                graphs.put(repository, "accumulator", graphs.accumulator_package(), 2)
                under_way = [asyncio.create_task(stream.step([1.0])) for _ in range(20)]
                await hand_over(server.address)
                totals += [float(y[0]) for y in await asyncio.gather(*under_way)]
                totals.append(float((await stream.step([1.0]))[0]))
                assert stream.version == 2 and stream.protected
                await server.crash()
                totals.append(float((await stream.step([1.0]))[0]))
                assert stream.version == 2
    assert totals == [float(n) for n in range(1, 26)]


async def hand_over(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub: repository_grpc.ModelRepositoryAsyncStub = repository_grpc.ModelRepositoryStub(
            channel
        )
        request = repository_pb.LoadModelRequest(
            model="accumulator", swap=repository_pb.SWAP_HANDOVER
        )
        loaded = await stub.Load(request)
        assert loaded.moved == 1
