"""A worker, as its parent sees it: a process and the connection to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import service
from service.operations.readiness import Phase
from service.settings import Settings
from service.workers.control import Peer

MODULE = "service.workers.child"


class Worker:
    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.pid = process.pid
        self.phase = Phase.STARTING
        self.joined = False
        """Whether it takes orders."""
        self.models: list[str] = []
        self.device = ""
        """What it says of where its models run."""
        self.failure = ""
        """Why it could not start."""
        self._process = process
        self._peer: Peer
        self._hearing: asyncio.Task[None]

    async def connect(self, end: socket.socket, answer: Answer) -> None:
        self._peer = await Peer.on(end, partial(answer, self))
        self._hearing = asyncio.create_task(self._peer.listen())

    async def ask(self, kind: str, body: Any = None, *, within: float) -> Any:
        """Raises Gone, Failed, or TimeoutError after `within` seconds."""
        return await asyncio.wait_for(self._peer.ask(kind, body), within)

    async def ended(self) -> int:
        """The exit code, once it has; below 0, the signal that ended it."""
        code = await self._process.wait()
        await self._hearing
        return code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)


Answer = Callable[[Worker, str, Any], Awaitable[Any]]
"""Answers what a worker asks."""


async def launch(name: str, settings: Settings, answer: Answer) -> Worker:
    """A new interpreter, since neither gRPC nor ONNX Runtime outlives a fork."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", MODULE, name),
            stdin=PIPE,
            stdout=DEVNULL,
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": _path()},
            # Signals from a terminal reach the parent, which tells its workers.
            start_new_session=True,
        )
        begin = {"control": theirs.fileno(), "settings": settings.model_dump(mode="json")}
    worker = Worker(name, process)
    await worker.connect(ours, answer)
    assert process.stdin
    process.stdin.write(json.dumps(begin).encode())
    process.stdin.close()
    return worker


def _path() -> str:
    """Where this very package is found, whatever lies in the working folder."""
    here = str(Path(service.__file__).parent.parent)
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
