"""The page on other languages: its commands, and its client in Node under faults."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import stepwire
import stepwire.sync
from service.core.model import Array
from tests.debian import program
from tests.e2e.node import numbers, script, stepping
from tests.pages import ADDRESS, ROOT, Page, ran, shell
from torture.processes import Reborn, Server
from torture.proxy import Way, proxied
from torture.witness import Witness

PAGE = Page("docs/other-languages.md")
COUNT = 60


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's commands need of the project, with the packages that it says to install."""
    program("npm", "nodejs", "npm")
    root = tmp_path_factory.mktemp("other-languages")
    shutil.copytree(ROOT / "proto", root / "proto")
    shutil.copytree(
        ROOT / "examples", root / "examples", ignore=shutil.ignore_patterns("node_modules")
    )
    done = ran(PAGE.block("sh", "npm ci"), root)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def example(tree: Path) -> Path:
    return tree / "examples" / "node"


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Witness:
    return Witness(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def saved(witness: Witness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reborn]:
    """A server that saves its streams too seldom to have the newest steps when it crashes."""
    ground = tmp_path_factory.mktemp("saved")
    flags = ("--store", f"sqlite:{ground / 'streams.db'}", "--checkpoint-interval", "0.2")
    with Reborn(witness.repository, *flags, log=ground / "log") as server:
        yield server


@pytest.fixture(scope="module")
def inputs(witness: Witness) -> list[Array]:
    return [witness.input(0, step) for step in range(COUNT)]


@pytest.fixture(scope="module")
def undisturbed(witness: Witness) -> list[list[float]]:
    """The outputs of a stream that nothing happens to."""
    return [
        [*map(float, np.frombuffer(seen.y, np.float32)), float(seen.taken)]
        for _, _, seen in witness.undisturbed({0: COUNT})
    ]


def test_the_page_shows_the_whole_client() -> None:
    shown = "\n".join(PAGE.blocks("How it is made", "js")).split()
    assert shown == (ROOT / "examples" / "node" / "stepwire.mjs").read_text().split()


def by_hand(containing: str, server: Server) -> str:
    return shell(PAGE.block("sh", containing).replace(ADDRESS, server.address))


def test_reflection_tells_a_shell_what_there_is(bundled: Server) -> None:
    methods = by_hand("--list-methods", bundled).split()
    assert {"stepwire.v1.StreamInference/Stream", "stepwire.v1.StreamState/Get"} < set(methods)
    listed = json.loads(by_hand("ModelRepository/List", bundled))["versions"]
    assert "sine-gru" in {version["model"] for version in listed}
    described = json.loads(by_hand("ModelRepository/Describe", bundled))
    for kind, name in (("inputs", "value"), ("outputs", "next_value")):
        [tensor] = described[kind]
        assert (tensor["name"], tensor["dtype"]) == (name, "float32")
        assert f"`{name}`, a {tensor['dtype']}" in PAGE.text


def test_a_shell_steps_a_stream(bundled: Server) -> None:
    answers = by_hand("StreamInference/Stream", bundled)
    assert answers.count('"output"') == 2 and '"exact": true' in answers


def test_the_program_prints_what_another_client_gets(tree: Path, bundled: Server) -> None:
    command = PAGE.block("sh", "seq 0 99").replace("--rate 50", "--rate 1000")
    printed = shell(command.replace(ADDRESS, bundled.address), tree).split()
    read = map(float, shell(command.split("|\n")[0]).split())
    with (
        stepwire.sync.connect(bundled.address) as client,
        client.stream("sine-gru") as stream,
    ):
        expected = [stream.step([x]) for x in read]
    assert np.array_equal(np.array(printed, np.float32), np.ravel(expected))


async def test_a_crash_and_a_restart_of_the_server_lose_and_double_nothing(
    example: Path, saved: Reborn, inputs: list[Array], undisturbed: list[list[float]]
) -> None:
    async with stepping(example, saved.address, "witness") as steps:
        await steps.give(*inputs)
        heard = await steps.hear(COUNT // 3)
        await saved.crash()
        heard += await steps.hear(COUNT // 3)
        await saved.restart()
        printed, errors = await steps.end()
    assert errors == ""
    assert [numbers(line) for line in heard + printed.split()] == undisturbed


@pytest.mark.parametrize("way", Way)
async def test_cut_connections_lose_and_double_nothing(
    way: Way,
    example: Path,
    saved: Reborn,
    inputs: list[Array],
    undisturbed: list[list[float]],
) -> None:
    async with proxied(saved) as proxy, stepping(example, proxy.address, "witness") as steps:
        heard = []
        for cut in range(5):
            await steps.give(*inputs[cut * 10 : cut * 10 + 10])
            proxy.cut_within(way, 60 + 31 * cut)
            heard += await steps.hear(10)
            assert proxy.has_cut.is_set()
        await steps.give(*inputs[50:])
        printed, errors = await steps.end()
    assert errors == ""
    assert [numbers(line) for line in heard + printed.split()] == undisturbed


async def test_a_refused_step_leaves_its_number_to_the_next(
    example: Path, saved: Reborn, inputs: list[Array], undisturbed: list[list[float]]
) -> None:
    """Those behind it are under way by then, and are answered with gaps first."""
    rows = [row.tolist() for row in inputs]
    bad = [[1.0, 2.0]]
    process = await script(
        example,
        f"""
        const client = connect("{saved.address}");
        const stream = new Stream(client, "witness");
        await stream.open();
        const inputs = {rows[:3] + bad + rows[3:20] + bad * 2 + rows[20:]};
        const steps = inputs.map((each) => stream.step(each));
        for (const {{ value, reason }} of await Promise.allSettled(steps))
          console.log(value?.join(",") ?? reason.name);
        await stream.close();
        client.close();
        """,
    )
    printed, errors = await process.communicate()
    lines = printed.decode().split()
    refused = [place for place, line in enumerate(lines) if line == "CODE_INVALID_INPUT"]
    assert (refused, errors) == ([3, 21, 22], b"")
    assert [numbers(line) for line in lines if not line.startswith("CODE")] == undisturbed


async def test_a_stream_that_is_taken_while_the_connection_is_broken_is_left_to_the_taker(
    example: Path, saved: Reborn, inputs: list[Array]
) -> None:
    async with proxied(saved) as proxy:
        process = await script(
            example,
            f"""
            const stream = new Stream(connect("{proxy.address}"), "witness", {{ id: "taken" }});
            await stream.open();
            console.log(stream.token.toString("hex"));
            for (;;) await stream.step([0, 0, 0, 0]);
            """,
        )
        assert process.stdout
        token = bytes.fromhex((await process.stdout.readline()).decode())
        proxy.down()
        async with stepwire.connect(saved.address) as client:
            taken = client.stream("witness", stream_id="taken", mode="resume", token=token)
            async with taken as stream:
                await proxy.up()
                _, errors = await process.communicate()
                await stream.step(inputs[0])
    assert process.returncode and b"STREAM_TAKEN_OVER" in errors
