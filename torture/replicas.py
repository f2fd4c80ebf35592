"""Real servers behind a real balancer: what `--profile cluster` is, as processes on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from torture.balancer import Backend, Balancer, balanced
from torture.processes import Server
from torture.programs import free_ports


class Replica:
    """A server that comes back on the ports it had."""

    def __init__(self, repository: Path, *flags: str, log: Path) -> None:
        self.backend = Backend(*free_ports(2))
        self._repository = repository
        self._flags = (
            *("--listen", f"127.0.0.1:{self.backend.port}"),
            *("--http-listen", f"127.0.0.1:{self.backend.http_port}"),
            *flags,
        )
        self._log = log
        self.come_back()

    @property
    def address(self) -> str:
        return self.server.address

    def come_back(self) -> None:
        self.server = Server(self._repository, *self._flags, log=self._log)

    def leave(self) -> int:
        """Drains; the exit code."""
        self.server.terminate()
        return self.server.wait()

    def end(self) -> None:
        if self.server.process.poll() is None:
            self.server.kill()


class Cluster:
    def __init__(self, replicas: list[Replica], balancer: Balancer) -> None:
        self.replicas = replicas
        self.balancer = balancer

    @property
    def address(self) -> str:
        """Of the balancer."""
        return self.balancer.address


@contextlib.contextmanager
def clustered(repository: Path, *flags: str, folder: Path, replicas: int = 3) -> Iterator[Cluster]:
    """Logs go to the folder. Raises NotInstalled."""
    with contextlib.ExitStack() as stack:

        def start(number: int) -> Replica:
            replica = Replica(repository, *flags, log=folder / f"replica{number}.log")
            stack.callback(replica.end)
            return replica

        with ThreadPoolExecutor() as pool:
            started = list(pool.map(start, range(1, replicas + 1)))
        backends = [one.backend for one in started]
        yield Cluster(started, stack.enter_context(balanced(backends, folder)))
