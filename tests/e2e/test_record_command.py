"""`stepwire record` between real clients and servers, and `stepwire replay` of what it wrote."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import stepwire
import stepwire.sync
from stepwire.client import Client
from tests import graphs
from tests.e2e.deployed import ACCUMULATOR, put_models, serving
from tests.e2e.loading import COMMAND, PATIENCE, loaded, steps_of
from tests.e2e.recorder import command, ending, recording, replayed
from tests.pages import shell
from torture.processes import Reborn, Server

OTHER_GRU = graphs.package(*graphs.recurrent("RNN", inputs=4, hidden=32))
"""Of the same inputs and outputs, and other numbers."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put_models(tmp_path_factory.mktemp("recorded") / "repository")


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Server]:
    with serving(root) as own:
        yield own


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "live.rec"


async def live(client: Client, model: str, seed: int, steps: int = 20) -> None:
    """A stream of random inputs at random times."""
    random = np.random.default_rng(seed)
    async with client.stream(model) as stream:
        shape = stream.signature.inputs[0].shape
        for _ in range(steps):
            await stream.step(random.standard_normal(shape).astype(np.float32))
            await asyncio.sleep(random.uniform(0, 0.01))


def replays(address: str) -> dict[str, int]:
    """The steps of each stream that a replay has on a server."""
    return {id_: steps for id_, steps in steps_of(address).items() if id_.startswith("replay-")}


async def robots(address: str) -> None:
    """Streams in calls of their own and streams that share one, all at once."""
    async with (
        stepwire.connect(address) as fleet,
        stepwire.connect(address, coalesce=False) as alone,
    ):
        async with asyncio.TaskGroup() as tasks:
            for seed in range(12):
                model = "gru" if seed % 3 else "accumulator"
                tasks.create_task(live(alone if seed % 2 else fleet, model, seed))


def test_streams_under_concurrent_load_replay_to_the_last_bit_on_a_fresh_server(
    root: Path, server: Server, file: Path, tmp_path: Path
) -> None:
    with recording(server.address, file) as recorder:
        asyncio.run(robots(recorder.address))
        done = recorder.ended()
    assert (done.code, done.complained) == (0, "")
    assert "  steps       240 answered" in done.lines
    assert any("gru/1, digest " in line and "8 streams, 160 steps" in line for line in done.lines)
    page = tmp_path / "page.html"
    with serving(root) as fresh:
        for how in ("--speed 2", f"--report {page}", "--fast", "--model gru"):
            same = replayed(file, fresh.address, *how.split())
            equal = "  outputs     240 of 240 steps equal, bit for bit"
            if how == "--model gru":
                assert same.code == 1
                assert "does not fit: its inputs are x: float32[4], and those recorded x: f" in (
                    same.said
                )
            else:
                assert (same.code, same.lines[1]) == (0, equal), same
                assert "accumulator/1, gru/1, 12 streams of" in same.lines[0]
                assert "240 of 240 steps answered" in same.said
                assert ("latency" in same.said) == (how != "--fast")
        assert replays(fresh.address) == {}
    assert "240 of 240 steps equal, bit for bit" in page.read_text()
    assert "Latency over time" in page.read_text()


def test_another_model_file_of_the_same_name_is_found_by_its_outputs(
    server: Server, file: Path, tmp_path: Path
) -> None:
    with recording(server.address, file) as recorder:
        asyncio.run(robots(recorder.address))
        recorder.ended()
    graphs.put(tmp_path / "other", "accumulator", ACCUMULATOR)
    graphs.put(tmp_path / "other", "gru", OTHER_GRU)
    with serving(tmp_path / "other") as other:
        done = replayed(file, other.address, "--fast")
        near = replayed(file, other.address, "--fast", "--atol", "10")
    assert done.code == 1
    assert done.lines[1] == "  outputs     80 of 240 steps equal, bit for bit"
    told = [line for line in done.lines if line.startswith("  different ")]
    assert len(told) == 8
    for line in told:
        assert re.search(r"\w+, step 0: y\[0\] was \S+ and is \S+; 20 steps differ", line)
    assert any(
        re.match(r"  model +gru/1 is digest .{12}, and the recording", x) for x in done.lines
    )
    assert (near.code, near.lines[1]) == (0, "  outputs     240 of 240 steps equal, within 10")


def test_a_stream_is_one_through_a_crash_of_its_server(
    root: Path, server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "live.rec"
    store = f"sqlite:{tmp_path / 'store.db'}"

    async def through_a_crash(reborn: Reborn, address: str) -> None:
        async with (
            stepwire.connect(address, retry_for=PATIENCE) as client,
            client.stream("gru") as stream,
        ):
            for number in range(60):
                await stream.step(np.full(4, number / 60, np.float32))
                if number == 30:
                    await reborn.crash()

    with Reborn(root, "--store", store, log=tmp_path / "log") as reborn:
        with recording(reborn.address, file) as recorder:
            asyncio.run(through_a_crash(reborn, recorder.address))
            done = recorder.ended()
    assert "  streams     1" in done.lines
    same = replayed(file, server.address)
    assert (same.code, same.lines[1]) == (0, "  outputs     60 of 60 steps equal, bit for bit")


def test_what_was_held_is_held_again(server: Server, file: Path) -> None:
    """Else the replay's states would see inputs that those recorded never saw."""

    async def hurried(address: str) -> None:
        async with (
            stepwire.connect(address) as client,
            client.stream("accumulator", late="hold") as stream,
        ):
            for number in range(20):
                budget = 0.0 if number % 4 == 3 else None
                await stream.step([1.0], budget=budget)

    with recording(server.address, file) as recorder:
        asyncio.run(hurried(recorder.address))
        done = recorder.ended()
    assert "  steps       20 answered, 5 held" in done.lines
    same = replayed(file, server.address, "--fast")
    assert (same.code, same.lines[1]) == (0, "  outputs     20 of 20 steps equal, bit for bit")


def test_a_stream_begun_before_the_recorder_came_is_skipped(server: Server, file: Path) -> None:
    with stepwire.sync.connect(server.address) as client:
        with client.stream("accumulator", stream_id="early") as early:
            token = early.token
            early.step([1.0])
            early.detach()
    with recording(server.address, file) as recorder:
        with stepwire.sync.connect(recorder.address) as client:
            with client.stream("accumulator", stream_id="early", mode="resume", token=token) as old:
                assert old.step([1.0]) == [2.0]
            with client.stream("accumulator") as stream:
                with pytest.raises(stepwire.InvalidInput):
                    stream.step([np.nan])
                assert stream.step([4.0]) == [4.0]
        done = recorder.ended()
    assert "  steps       2 answered, 1 refused" in done.lines
    same = replayed(file, server.address)
    assert same.code == 0
    assert same.lines[1:3] == [
        "  outputs     1 of 1 steps equal, bit for bit",
        "  skipped     early: its state at step 1 is not in the recording",
    ]


def test_every_other_call_passes_and_steps_that_do_not_are_counted(
    server: Server, file: Path
) -> None:
    with recording(server.address, file) as recorder:
        listed = shell(f"{COMMAND} models --server {recorder.address} list")
        assert listed == shell(f"{COMMAND} models --server {server.address} list")
        with stepwire.sync.connect(recorder.address) as client:
            with pytest.raises(stepwire.ModelNotFound, match="no model 'none', only accumulator"):
                with client.stream("none"):
                    pass
            assert client.states.list() == []
        flags = "--model accumulator --streams 3 --duration 0.3 --ramp 0.1 --protocol triton"
        assert loaded(recorder.address, *flags.split(), "--fail-if", "errors>0").code == 0
        done = recorder.ended()
    assert "  streams     0" in done.lines
    assert done.lines[-1] == (
        "  unrecorded  3 calls of /inference.GRPCInferenceService/ModelStreamInfer"
    )
    none = replayed(file, server.address)
    assert none.code == 2
    assert none.complained == (
        f"error: {file}: no stream is recorded from its first step on, with an answer\n"
    )


def test_a_recorder_that_is_killed_leaves_what_it_had(server: Server, file: Path) -> None:
    with recording(server.address, file) as recorder:
        with stepwire.sync.connect(recorder.address) as client:
            stream = client.stream("accumulator")
            stream.__enter__()
            stream.step([1.0])
            before = file.stat().st_size
            stream.step([1.0])
            deadline = time.monotonic() + PATIENCE
            while file.stat().st_size == before:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            recorder.process.kill()
            recorder.process.wait()
    torn = file.read_bytes()
    file.write_bytes(torn + torn[-20:-10])
    same = replayed(file, server.address)
    assert same.code == 0
    assert re.fullmatch(r"  outputs     (\d) of \1 steps equal, bit for bit", same.lines[1])
    assert f"the recording is cut off at byte {len(torn):,}; replayed until there" in same.said


def test_an_interrupt_ends_a_replay_and_its_streams(server: Server, file: Path) -> None:
    async def slow(address: str) -> None:
        async with stepwire.connect(address) as client:
            async with client.stream("accumulator") as stream:
                for _ in range(3):
                    await stream.step([1.0])
                    await asyncio.sleep(0.2)

    with recording(server.address, file) as recorder:
        asyncio.run(slow(recorder.address))
        recorder.ended()
    with ending(command("replay", str(file), server.address, "--speed", "0.01")) as process:
        deadline = time.monotonic() + PATIENCE
        while list(replays(server.address).values()) != [1]:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        said, complained = process.communicate(timeout=PATIENCE)
    assert (process.returncode, "Traceback" in complained) == (130, False), complained
    assert "  outputs     1 of 3 steps equal, bit for bit" in said
    assert re.search(r"unanswered  \w+, 2 steps: interrupted", said)
    assert replays(server.address) == {}
