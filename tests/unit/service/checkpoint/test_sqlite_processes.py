"""A SQLite file that several processes have open."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.checkpoint.sqlite import SqliteStore
from service.core.streams import Fence, StreamKey
from tests.stores import TIMEOUT, record, write

PROCESS = """
import asyncio, json, sys
from service.checkpoint.sqlite import SqliteStore
from service.core.streams import Fence, StreamKey
from tests.stores import record, write

path, owner = sys.argv[1:]

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    store = SqliteStore(path, timeout=10.0)
    created, taken = [], []
    for at in range(50):
        created.append(await store.create(write(f"s{at}", record(1, owner, 0))))
        taken.append(bool(await store.take(StreamKey("", f"t{at}"), Fence(1, "first"), owner)))
    print(json.dumps([created, taken]), flush=True)
    step = 0
    while True:
        step += 1
        newest = record(9, owner, step)
        print(*await store.write([write("a", newest), write("b", newest)]), step, flush=True)

asyncio.run(main())
"""


class Process:
    """Opens the file, creates and takes, and then writes until it is killed."""

    def __init__(self, path: Path, owner: str) -> None:
        self.owner = owner
        self.popen = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(path), owner],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.popen.stdout
        return self.popen.stdout.readline().strip()

    def go(self) -> None:
        assert self.popen.stdin
        self.popen.stdin.write("\n")
        self.popen.stdin.flush()

    def kill(self) -> list[str]:
        """What it has written since it was last read from."""
        self.popen.kill()
        rest, _ = self.popen.communicate()
        return rest.splitlines()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[list[Process]]:
    started = [Process(tmp_path / "stepwire.db", owner) for owner in ("p", "q", "r")]
    yield started
    for process in started:
        if process.popen.poll() is None:
            process.kill()


async def test_processes_share_a_file_and_lose_nothing_when_killed(
    tmp_path: Path, processes: list[Process]
) -> None:
    for process in processes:
        assert process.line() == "ready"
    store = SqliteStore(str(tmp_path / "stepwire.db"), timeout=TIMEOUT)
    await store.write([write(f"t{at}", record(1, "first", 0)) for at in range(50)])
    for process in processes:
        process.go()
    results: list[Any] = [json.loads(process.line()) for process in processes]
    for created_or_taken in zip(*results, strict=True):
        assert [sum(each) for each in zip(*created_or_taken, strict=True)] == [1] * 50
    owners = [
        process.owner for process, (_, taken) in zip(processes, results, strict=True) if taken[0]
    ]
    kept = await store.read(StreamKey("", "t0"))
    assert kept and kept.fence == Fence(2, *owners)

    first = [process.line() for process in processes]
    told = [[line, *process.kill()] for line, process in zip(first, processes, strict=True)]
    # Of these writers the last has the latest fence, and so the last word.
    acknowledged = max(int(line.split()[2]) for line in told[-1])
    for id_ in ("a", "b"):
        kept = await store.read(StreamKey("", id_))
        assert kept and kept.fence == Fence(9, "r")
        # The newest may be stored and not yet told when the process ends.
        assert kept.step - acknowledged in (0, 1)
    await store.close()
