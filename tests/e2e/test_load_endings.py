"""`stepwire load` that is interrupted, or loses one of its processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.loading import PATIENCE, await_steps, started, steps_of
from torture.processes import Server, running

MODEL = ("--model", "accumulator")


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that has no streams but theirs."""
    with running(repository, log=tmp_path_factory.mktemp("load") / "log") as own:
        yield own


@pytest.fixture
def deaf() -> Iterator[socket.socket]:
    """Takes connections and says nothing: who waits for it waits for long."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE)
        yield listening


def until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)


def loaders(process: subprocess.Popen[str]) -> list[int]:
    """The processes that make its load."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def heeds(process: subprocess.Popen[str]) -> bool:
    """Whether it catches interrupts, which it ignores while it starts a process."""
    caught = re.search(r"SigCgt:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())
    return bool(caught and int(caught[1], 16) & 1 << (signal.SIGINT - 1))


def interrupted(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says, all of its group interrupted as by a terminal."""
    os.killpg(process.pid, signal.SIGINT)
    said, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, complained
    return said, complained


def test_an_interrupt_while_processes_start_is_quiet(deaf: socket.socket) -> None:
    process = started(f"127.0.0.1:{deaf.getsockname()[1]}", *MODEL)
    until(lambda: bool(loaders(process)) and heeds(process), process)
    assert interrupted(process) == ("", "")


def test_an_interrupt_while_streams_are_opened_is_quiet(deaf: socket.socket) -> None:
    process = started(f"127.0.0.1:{deaf.getsockname()[1]}", *MODEL, "--fail-if", "rate<10")
    with deaf.accept()[0]:
        assert interrupted(process) == ("", "")


def test_an_interrupt_in_the_ramp_is_no_failure(server: Server) -> None:
    process = started(server.address, *MODEL, "--ramp", "60", "--fail-if", "rate<10")
    await_steps(server.address, process, streams=1, steps=1)
    said, complained = interrupted(process)
    assert "0 of 0 steps answered" in said and complained == ""
    assert steps_of(server.address) == {}


def test_an_interrupted_search_tells_of_its_trials(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    process = started(
        *(server.address, *MODEL, "--streams", "4", "--duration", "0.25", "--ramp", "0.1"),
        *("--find-max", "p99<60s", "--json", str(file)),
    )
    assert process.stdout
    for _ in range(2):
        process.stdout.readline()
    _, complained = interrupted(process)
    assert complained == ""
    assert len(json.loads(file.read_text())["trials"]) >= 1
    assert steps_of(server.address) == {}


def test_a_process_that_is_killed_leaves_the_figures_of_the_others(
    server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    process = started(
        *(server.address, *MODEL, "--duration", "60", "--ramp", "0", "--processes", "2"),
        *("--json", str(file), "--fail-if", "errors>=0"),
    )
    await_steps(server.address, process, streams=16, steps=20)
    os.kill(loaders(process)[0], signal.SIGKILL)
    said, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "steps answered" in said and "failed: " not in complained
    assert "error: a process of the loader was ended by signal 9" in complained
    made = json.loads(file.read_text())
    assert made["interrupted"] and made["answered"] > 100
