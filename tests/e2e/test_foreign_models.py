"""Graphs that no export of this project made, streamed through a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

import stepwire
from service.core.model import Array
from tests import foreign
from tests.servers import Server, running

NEIGHBOURS = 7
REFUSED = {
    "unequal": (
        foreign.unequal().SerializeToString(),
        "",
        "state 'h' is float32[batch, 2] and 'h_next', which renews it, is float32[batch, 3]",
    ),
    "no-state": (foreign.memoryless().content, "", "no input is a state by its name"),
    "broken": (foreign.counter().content, "states = 5", "model.toml: states: "),
}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Every graph of `tests.foreign`, and some that must not serve."""
    root = tmp_path_factory.mktemp("foreign")
    for name, made in foreign.GRAPHS.items():
        foreign.put(root, name, made().content, made().toml)
    for name, (content, toml, _) in REFUSED.items():
        foreign.put(root, name, content, toml)
    with running(root, log=tmp_path_factory.mktemp("server") / "log") as server:
        yield server


async def streamed(
    client: stepwire.Client, name: str, inputs: Mapping[str, Array]
) -> list[dict[str, Array]]:
    outputs = []
    async with client.stream(name) as stream:
        (output, *more) = [spec.name for spec in stream.signature.outputs]
        assert not more
        for step in range(foreign.STEPS):
            result = await stream.step({key: array[step] for key, array in inputs.items()})
            outputs.append({output: np.asarray(result)})
    return outputs


@pytest.mark.parametrize("name", foreign.GRAPHS)
async def test_it_gives_what_its_equations_give(zoo: Server, name: str) -> None:
    made = foreign.GRAPHS[name]()
    inputs = made.stream()
    async with stepwire.connect(zoo.address) as client:
        outputs = await streamed(client, name, inputs)
    for step, (found, expected) in enumerate(zip(outputs, made.expected(inputs), strict=True)):
        for key, values in expected.items():
            assert found[key].shape == values.shape
            assert np.allclose(found[key], values, rtol=1e-5, atol=1e-5), step


@pytest.mark.parametrize("name", foreign.GRAPHS)
async def test_its_streams_do_not_see_each_other(zoo: Server, name: str) -> None:
    made = foreign.GRAPHS[name]()
    inputs = made.stream()
    async with stepwire.connect(zoo.address) as client:
        alone = await streamed(client, name, inputs)
        crowd = await asyncio.gather(
            streamed(client, name, inputs),
            *(streamed(client, name, made.stream(seed)) for seed in range(1, NEIGHBOURS)),
        )
    for one, other in zip(alone, crowd[0], strict=True):
        assert [a.tobytes() for a in one.values()] == [a.tobytes() for a in other.values()]


async def test_an_input_that_breaks_a_run_is_an_error_of_its_stream(zoo: Server) -> None:
    async with stepwire.connect(zoo.address) as client:

        async def stream(symbol: int) -> Array:
            async with client.stream("lookup") as one:
                for _ in range(8):
                    try:
                        await one.step(np.int64(symbol))
                    except stepwire.RunFailed:
                        continue
                return np.asarray(await one.step(np.int64(1)))

        good, bad = await asyncio.gather(stream(1), stream(9))
    assert good.tolist() == [9 * 2.0, 9 * 3.0]
    assert bad.tolist() == [2.0, 3.0]


@pytest.mark.parametrize("name", REFUSED)
def test_what_must_not_serve_is_told_in_one_line(zoo: Server, name: str) -> None:
    (line,) = [line for line in zoo.log.splitlines() if f"refused {name}/1: " in line]
    assert REFUSED[name][2] in line


def test_the_log_says_what_was_inferred(zoo: Server) -> None:
    assert (
        "lstm/1, not made by an export: inputs x: float32[3]; outputs y: float32[4]; "
        "states h: float32[1, 4] from h_next, c: float32[1, 4] from next_c; constants none\n"
    ) in zoo.log


def test_what_is_declared_changes_the_digest(tmp_path: Path) -> None:
    for version, initial in enumerate((0, 1), 1):
        toml = f"states.count.initial = {initial}"
        foreign.put(tmp_path, "counter", foreign.counter().content, toml, version)
    with running(tmp_path, log=tmp_path / "log") as server:

        async def digests() -> set[str]:
            async with stepwire.connect(server.address) as client:
                async with (
                    client.stream("counter", version=1) as old,
                    client.stream("counter", version=2) as new,
                ):
                    return {old.signature.digest, new.signature.digest}

        assert len(asyncio.run(digests())) == 2
