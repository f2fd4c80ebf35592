"""`stepwire load` as its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import stepwire.sync

COMMAND = str(Path(sys.executable).parent / "stepwire")
PATIENCE = 60.0
"""Seconds."""
SHORT = ("--duration", "0.5", "--ramp", "0.1")


class Loaded(NamedTuple):
    code: int
    said: str
    complained: str

    @property
    def lines(self) -> list[str]:
        return self.said.splitlines()


def started(*arguments: str) -> subprocess.Popen[str]:
    """In a process group of its own, as a terminal's foreground job is."""
    return subprocess.Popen(
        [COMMAND, "load", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        start_new_session=True,
    )


def loaded(*arguments: str) -> Loaded:
    process = started(*arguments)
    said, complained = process.communicate(timeout=90)
    return Loaded(process.returncode, said, complained)


def figures(address: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """Of a short run that ends well."""
    file = folder / "figures.json"
    done = loaded(address, *SHORT, "--json", str(file), *arguments)
    assert done.code == 0, done.complained
    made: dict[str, Any] = json.loads(file.read_text())
    return made


def steps_of(address: str) -> dict[str, int]:
    """How many each stream has run that lives on a server."""
    with stepwire.sync.connect(address) as client:
        return {stream.stream_id: stream.next_step for stream in client.states.list()}


def await_steps(address: str, process: subprocess.Popen[str], streams: int, steps: int) -> None:
    """Until so many streams have each run so many steps."""
    deadline = time.monotonic() + PATIENCE
    while sum(step >= steps for step in steps_of(address).values()) < streams:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
