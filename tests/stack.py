"""The compose file under a project name and ports of its own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from tests.pages import ROOT
from torture.programs import free_ports

_V1 = """\
docker() { if [ "$1" = compose ]; then shift; docker-compose "$@"; else command docker "$@"; fi; }
"""


class Stack:
    def __init__(self, **settings: str) -> None:
        """`settings`: environment variables that the compose file reads."""
        v2 = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
        self._compose = ["docker", "compose"] if v2 else ["docker-compose"]
        self._preamble = "" if v2 else _V1
        self._project = f"stepwire-test-{secrets.token_hex(4)}"
        self.port, self.http_port, self.cluster_port = free_ports(3)
        self.environment: Mapping[str, str] = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self._project,
            # Of compose 1: how long the engine may take for one thing, such as a stop.
            "COMPOSE_HTTP_TIMEOUT": "300",
            "STEPWIRE_PORT": str(self.port),
            "STEPWIRE_HTTP_PORT": str(self.http_port),
            "STEPWIRE_CLUSTER_PORT": str(self.cluster_port),
            **settings,
        }

    @property
    def address(self) -> str:
        """Of the one server."""
        return f"127.0.0.1:{self.port}"

    @property
    def cluster_address(self) -> str:
        return f"127.0.0.1:{self.cluster_port}"

    def compose(self, *arguments: str) -> str:
        return self.run(*self._compose, *arguments)

    def run(self, *command: str) -> str:
        """What a command prints that succeeds, with the settings and in the project's root."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def shell(self, script: str) -> str:
        """What a script of the documentation prints."""
        return self.run("bash", "-euo", "pipefail", "-c", self._preamble + script)

    def inside(self, service: str, *command: str) -> str:
        return self.compose("exec", "-T", service, *command)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """As the engine describes them; stopped ones too."""
        # `ps --quiet` of one compose knows stopped containers, that of the other does not.
        labels = {"project": self._project, "service": service}
        filters = [f"--filter=label=com.docker.compose.{name}={of}" for name, of in labels.items()]
        names = self.run("docker", "ps", "--all", "--quiet", *filters).split()
        found: list[dict[str, Any]] = json.loads(self.run("docker", "inspect", *names))
        return found

    def inspect(self, service: str) -> dict[str, Any]:
        """The service's one container."""
        (found,) = self.containers(service)
        return found

    def asked(self, path: str) -> str:
        """What the one server's HTTP port answers with 200. Raises OSError."""
        url = f"http://127.0.0.1:{self.http_port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read(), "utf-8")

    def await_ready(self, patience: float = 120) -> None:
        """Until the one server takes streams."""
        deadline = time.monotonic() + patience
        while not self._is_ready():
            assert time.monotonic() < deadline, self.compose("logs")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            return bool(self.asked("/readyz"))
        except OSError:
            return False

    def await_healthy(self, service: str, patience: float = 120) -> None:
        deadline = time.monotonic() + patience
        while (state := self.inspect(service)["State"])["Health"]["Status"] != "healthy":
            assert state["Running"] and time.monotonic() < deadline, self.compose("logs", service)
            time.sleep(0.1)


@contextlib.contextmanager
def stacked(*services: str, **settings: str) -> Iterator[Stack]:
    """With the images of the services, and nothing left of it afterwards."""
    stack = Stack(**settings)
    try:
        stack.compose("build", *services)
        yield stack
    finally:
        stack.compose("down", "--rmi", "local", "--volumes")
