"""The client in Node, as a process."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

from service.core.model import Array

RATE = 200
"""Timesteps a second."""


class Steps:
    """`steps.mjs`, which is told its inputs as the test goes."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def give(self, *rows: Array | str) -> None:
        lines = (row if isinstance(row, str) else ",".join(map(repr, row.tolist())) for row in rows)
        assert self._process.stdin
        self._process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        await self._process.stdin.drain()

    async def hear(self, count: int) -> list[str]:
        """So many outputs, each as its line."""
        assert self._process.stdout
        lines = [(await self._process.stdout.readline()).decode() for _ in range(count)]
        return [line.rstrip("\n") for line in lines]

    async def end(self) -> tuple[str, str]:
        """What else it has printed, once its inputs are at an end: outputs and errors."""
        assert self._process.stdin
        self._process.stdin.close()
        printed, errors = await self._process.communicate()
        return printed.decode(), errors.decode()


@contextlib.asynccontextmanager
async def stepping(example: Path, address: str, model: str) -> AsyncIterator[Steps]:
    """`example`: a folder as `examples/node`, with its packages."""
    command = ("node", str(example / "steps.mjs"), address, model, "--rate", str(RATE))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        yield Steps(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def script(example: Path, source: str) -> Process:
    """A module that has the client's names."""
    imports = f'import {{ Stream, connect }} from "{(example / "stepwire.mjs").as_uri()}";'
    command = ("node", "--input-type=module", "--eval", imports + source)
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)


def numbers(line: str) -> list[float]:
    return [float(number) for number in line.split(",")]
