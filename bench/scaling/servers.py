"""What the measurements run: services of both models, with a store or without, and Redis."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import package
from bench.machine import Circumstances, Cores
from bench.process import READY, Server, pinned_to
from bench.scaling.constants import LARGE, SMALL
from torture.programs import free_ports
from torture.redis_server import RedisServer

NETWORKS = {network.name: network for network in (package.SMALL, package.LAYERED)}
FEATURES = NETWORKS[SMALL].features
_WRITTEN = re.compile(r"^stepwire_store_records_written_total ([\d.e+]+)$", re.MULTILINE)

assert set(NETWORKS) == {SMALL, LARGE} and NETWORKS[LARGE].features == FEATURES


class Service(Server):
    """The service on the server's core, with its metrics."""

    def __init__(self, models: Path, store: str, core: int, log: Path) -> None:
        [self._http] = free_ports(1)
        super().__init__(
            "service",
            [
                *("--listen", "127.0.0.1:0", "--repository", str(models)),
                *("--http-listen", f"127.0.0.1:{self._http}", "--store", store),
            ],
            ready=READY,
            core=core,
            log=log,
        )

    async def checkpoints(self) -> float:
        """How many the store has taken."""
        found = _WRITTEN.search(await asyncio.to_thread(self._metrics))
        return float(found[1]) if found else 0.0

    def _metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._http}/metrics") as answer:
            text: bytes = answer.read()
        return text.decode()

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) * 1024


class Place:
    """A folder with both models, where services are started."""

    def __init__(self, folder: Path, cores: Cores, stack: ExitStack) -> None:
        self.folder = folder
        self.cores = cores
        self.circumstances = _told(Circumstances.here())
        """Of the machine, before anything is started on it."""
        self._stack = stack
        self._started = 0
        for network in NETWORKS.values():
            package.write(folder / "models", network)

    def model(self, name: str) -> Path:
        return self.folder / "models" / name / "1" / "model.onnx"

    def service(self, store: str = "memory") -> Service:
        """Raises ServerFailed."""
        self._started += 1
        log = self.folder / f"service-{self._started}.log"
        service = Service(self.folder / "models", store, self.cores.server, log)
        self._stack.callback(service.stop)
        return service

    def redis(self) -> RedisServer:
        """On the client's core. Raises NotInstalled."""
        with pinned_to(self.cores.client):
            redis = RedisServer(self.folder)
        self._stack.callback(redis.stop)
        return redis


def _told(here: Circumstances) -> str:
    return (
        f"{here.machine}; {here.versions}; {here.cores}; load average {here.load_average:.2f} "
        f"before; {here.when}"
    )


@contextmanager
def place(cores: Cores) -> Iterator[Place]:
    with TemporaryDirectory(prefix="stepwire-scaling-") as name, ExitStack() as stack:
        yield Place(Path(name), cores, stack)


def told(redis: RedisServer, *names: str) -> dict[str, float]:
    """What the server says of itself under these names of `INFO`."""
    with redis.client() as client:
        found: dict[str, Any] = client.info("all")
    return {name: float(found[name]) for name in names}
