"""Graphs that no export of this project made, streamed through a real server."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeGuard, get_args, get_origin

import numpy as np
import pytest
from pydantic import BaseModel

import stepwire
from service.core.model import Array
from service.repository.foreign.declaration import Declaration
from tests import foreign, handmade
from tests.pages import ROOT, Page, shell
from torture.processes import Server, running

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
        for step in range(handmade.STEPS):
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


def test_an_inspection_ends_in_one_line_where_the_runtime_fails(tmp_path: Path) -> None:
    (tmp_path / "lookup.onnx").write_bytes(foreign.lookup(first=9).content)
    errors = shell("! stepwire inspect lookup.onnx 2>&1 >/dev/null", tmp_path)
    (line,) = errors.splitlines()
    assert line.startswith("error: lookup.onnx: it does not run with random inputs")


def page_blocks(language: str) -> list[str]:
    """The code blocks of the page on foreign files; `text` is what was printed."""
    text = (ROOT / "docs" / "foreign-onnx.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_page_leads_to_a_live_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make, stream = page_blocks("python")
    first_inspection, settle, place_and_inspect = page_blocks("sh")
    in_doubt, settled, outputs = page_blocks("text")
    monkeypatch.chdir(tmp_path)
    exec(make, {})
    assert shell(first_inspection, tmp_path) == in_doubt
    shell(settle, tmp_path)
    printed = shell(place_and_inspect, tmp_path)
    assert all(f"{part.strip()}\n" in printed for part in settled.split("\n\n"))
    with running(tmp_path / "model_repository", log=tmp_path / "log") as server:
        exec(stream.replace("localhost:50051", server.address), {})
    assert capsys.readouterr().out == outputs


def test_the_page_has_every_key_of_the_declaration_and_its_default() -> None:
    rows = Page("docs/foreign-onnx.md").table("key")
    assert [row[0] for row in rows] == [name for name, _ in keys(Declaration)]
    for (key, _, shown, _), (_, default) in zip(rows, keys(Declaration), strict=True):
        if default is None or default == {}:
            assert shown in ("inferred", "none"), key
        else:
            assert tomllib.loads(f"default = {shown}") == {"default": default}, key


def keys(model: type[BaseModel]) -> Iterator[tuple[str, object]]:
    """Every key of a model and its default, NAME in the place of a tensor's name."""
    for name, field in model.model_fields.items():
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        kind = field.annotation
        below = [part for part in get_args(kind) if is_model(part)]
        above = f"{name}.NAME" if get_origin(kind) is dict else name
        if not below:
            yield above, default
        for part in below:
            for key, inner in keys(part):
                yield f"{above}.{key}", inner


def is_model(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
