"""The image and the compose file, as `docker compose up` has them."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stepwire

# The first build fetches the base image and what the service needs.
pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
SERVICE = "stepwire"


class Stack:
    """The compose file under a project name and a port of its own."""

    def __init__(self) -> None:
        v2 = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
        self._compose = ["docker", "compose"] if v2 else ["docker-compose"]
        self._project = f"stepwire-test-{secrets.token_hex(4)}"
        self.port = _free_port()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def compose(self, *arguments: str) -> str:
        command = [*self._compose, "--project-name", self._project, *arguments]
        environment = {**os.environ, "STEPWIRE_PORT": str(self.port)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def inside(self, *command: str) -> str:
        return self.compose("exec", "-T", SERVICE, *command)

    def inspect(self) -> dict[str, Any]:
        # `ps --quiet` of one compose knows stopped containers, that of the other does not.
        label = f"label=com.docker.compose.project={self._project}"
        container = _docker("ps", "--all", "--quiet", "--filter", label)
        (found,) = json.loads(_docker("inspect", container))
        assert isinstance(found, dict)
        return found

    def wait_until_healthy(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while (state := self.inspect()["State"])["Health"]["Status"] != "healthy":
            assert state["Running"] and time.monotonic() < deadline, self.compose("logs")
            time.sleep(0.1)


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def built() -> Iterator[Stack]:
    stack = Stack()
    try:
        stack.compose("build")
        yield stack
    finally:
        stack.compose("down", "--rmi", "local", "--volumes")


@pytest.fixture
def stack(built: Stack) -> Stack:
    """Up and healthy, whatever the test before has done to it."""
    built.compose("up", "--detach")
    built.wait_until_healthy(patience=60)
    return built


async def test_a_stream_from_the_host(stack: Stack) -> None:
    x = np.zeros(2, np.float32)
    async with (
        stepwire.connect(stack.address) as client,
        client.stream("pendulum-gru", stream_id="host") as stream,
    ):
        outputs = [np.asarray(await stream.step(x)) for _ in range(20)]
        assert stream.next_step == 20
    assert all(np.isfinite(output).all() for output in outputs)


def test_the_port_is_for_this_machine_only(stack: Stack) -> None:
    assert stack.compose("port", SERVICE, "50051") == stack.address


def test_it_runs_as_nobody_special(stack: Stack) -> None:
    host = stack.inspect()["HostConfig"]
    assert stack.inside("id", "-u") == "10001"
    assert host["CapDrop"] == ["ALL"] and host["SecurityOpt"] == ["no-new-privileges:true"]
    assert stack.inside("sh", "-c", "touch /srv/models/x /tmp/x 2>/dev/null || echo refused") == (
        "refused"
    )


def test_the_image_holds_what_serving_needs_and_no_more(stack: Stack) -> None:
    packages = ("service", "torch", "onnx", "models", "export", "pytest")
    compilers = ("cc", "gcc", "g++", "c++", "clang", "tcc", "ld", "make")
    found = stack.inside(
        "python",
        "-c",
        "from importlib.util import find_spec; from shutil import which; "
        f"print(*filter(find_spec, {packages}), *filter(which, {compilers}))",
    )
    assert found == "service"


async def test_sigterm_drains_and_ends_with_0(stack: Stack) -> None:
    x = np.zeros(2, np.float32)
    async with stepwire.connect(stack.address) as client:
        stream = client.stream("pendulum-gru", stream_id="drained")
        await stream.open()
        await stream.step(x)
        started = time.monotonic()
        await asyncio.to_thread(stack.compose, "stop")
        took = time.monotonic() - started
        await stream.detach()
    state = stack.inspect()["State"]
    assert not state["Running"] and state["ExitCode"] == 0
    assert took < 10, "an open stream without steps in flight holds nothing up"
    assert "stopped" in stack.compose("logs")
