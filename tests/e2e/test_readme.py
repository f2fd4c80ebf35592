"""What the README shows is run from the README."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import stepwire
import stepwire.sync
from service.api.errors import STATUS
from service.core.errors import StepFault
from stepwire.v1 import stream_pb2 as pb
from tests.pages import ADDRESS, Page, here, ran, shell
from torture.processes import Server, running

README, PROTOCOL = Page("README.md"), Page("docs/protocol.md")
X = np.array([1, 0], np.float32)
"""The observation in the shell's example: the pendulum upright."""


def messages(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects, one after another."""
    decoder, place = json.JSONDecoder(), 0
    while text[place:].strip():
        place += len(text[place:]) - len(text[place:].lstrip())
        message, place = decoder.raw_decode(text, place)
        yield message


async def test_the_asynchronous_client(bundled: Server) -> None:
    source, *_ = README.blocks("From Python", "python")
    names: dict[str, Any] = {"x": X}
    code = compile(
        source.replace(ADDRESS, bundled.address),
        "README.md",
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
    )
    running_block = eval(code, names)
    assert inspect.iscoroutine(running_block)
    await running_block
    assert names["y"].shape == (1,) and names["stream"].next_step == 1


def test_a_fleet(bundled: Server) -> None:
    *_, source = README.blocks("From Python", "python")
    names: dict[str, Any] = {
        "x": X,
        "np": np,
        "stepwire": stepwire,
        "rows_of_two": np.stack([X, X]),
    }
    exec(source.replace(ADDRESS, bundled.address), names)
    assert names["rows"].shape == (64, 1)
    assert [stream.next_step for stream in names["fleet"].streams].count(2) == 2


def test_the_client_without_async(bundled: Server) -> None:
    _, source, _ = README.blocks("From Python", "python")
    names: dict[str, Any] = {"x": X}
    exec(source.replace(ADDRESS, bundled.address), names)
    assert names["y"].shape == (1,) and names["stream"].next_step == 1


async def test_the_shell_sees_what_the_client_sees(bundled: Server) -> None:
    script, read = README.blocks("From the shell", "sh")
    answers = await asyncio.to_thread(shell, script.replace(ADDRESS, bundled.address))
    opened, first, second = messages(answers)
    assert opened["opened"]["streamId"] == "shell"
    assert second["output"]["step"] == "1"
    (in_base64,) = first["output"]["outputs"]
    read = re.sub(r'b64decode\("[^"]*"\)', f'b64decode("{in_base64}")', read)
    async with (
        stepwire.connect(bundled.address) as client,
        client.stream("pendulum-gru") as stream,
    ):
        expected = np.asarray(await stream.step(X))
    assert np.float32(shell(read)) == expected[0]


def test_a_network_of_ones_own_training(tmp_path: Path) -> None:
    script, _ = README.blocks("Train and export", "sh")
    assert "--hidden 32" in script
    here(script.replace("--hidden 32", "--hidden 4 --rounds 1 --batches 2"), tmp_path)
    with (
        running(tmp_path / "model_repository", log=tmp_path / "log") as server,
        stepwire.sync.connect(server.address) as client,
        client.stream("my-sine") as stream,
    ):
        assert np.isfinite(np.asarray(stream.step(0.5))).all()


def test_the_bundled_networks_write_and_judge(bundled: Server, tmp_path: Path) -> None:
    _, script = README.blocks("Train and export", "sh")
    generate, judge = (line.partition(" #")[0].strip() for line in script.splitlines())
    there = f"--connect {bundled.address}"
    assert len(ran(f"{generate} {there}", tmp_path).stdout) >= 300
    assert "Right about " in shell(f"{judge} --speed max {there}", tmp_path)


def test_the_comparison_is_made_as_shown(tmp_path: Path) -> None:
    [command] = README.blocks("Which cell?", "sh")
    quick = "--hidden 4 --rounds 1 --batches 1 --seeds 1 --cells gru --out comparison"
    said = here(f"{command.strip()} {quick}", tmp_path)
    headings = re.findall(r"^\|  \| equal .*$", README.text, re.MULTILINE)
    assert headings == [(tmp_path / "comparison" / "table.md").read_text().splitlines()[2]]
    assert "comparison.html" in said


def test_the_settings_are_settings(tmp_path: Path) -> None:
    (script,) = README.blocks("Settings", "sh")
    (tmp_path / "stepwire.toml").write_text(re.findall(r"# (.*)", script)[0])
    for line in script.splitlines():
        # The one error is about the address: everything else in the line has been understood.
        command = f"{line.partition(' #')[0]} --listen nowhere 2>&1 || true"
        said = shell(command, tmp_path).splitlines()
        assert len(said) == 1 and said[0].startswith("error: listen "), said


def test_the_protocol_page_has_every_error_of_a_call() -> None:
    rows = [row[:3] for row in PROTOCOL.table("stepwire-error")]
    raised = {
        error.name: type(
            stepwire.errors.from_call(status, "", [("stepwire-error", error.name)])
        ).__name__
        for error, status in STATUS.items()
    }
    assert rows == [
        [error.name, status.name, raised[error.name]] for error, status in STATUS.items()
    ]


def test_the_protocol_page_has_every_error_of_a_step() -> None:
    rows = [row[:2] for row in PROTOCOL.table("code")]
    raised = {
        fault: type(
            stepwire.errors.from_step(
                pb.StepError(code=pb.StepError.Code.Value(f"CODE_{fault.name}"))
            )
        ).__name__
        for fault in StepFault
    }
    assert rows == [[fault.name, raised[fault]] for fault in StepFault]
