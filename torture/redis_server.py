"""A real Redis server, to be killed, frozen and started again."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from torture.programs import NotInstalled, free_ports, install

START_SECONDS = 60


class RedisServer:
    """On a free loopback port, with an append-only file in `folder`; ready when made.

    Raises NotInstalled.
    """

    def __init__(self, folder: Path, *flags: str) -> None:
        self._binary = _installed()
        self._folder = folder
        self._flags = flags
        [self.port] = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """On the same port, with what the append-only file holds."""
        with (self._folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(self._binary, "--port", str(self.port), "--bind", "127.0.0.1"),
                    *("--dir", str(self._folder), "--appendonly", "yes", "--save", ""),
                    *self._flags,
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise

    def kill(self) -> None:
        """Kill -9: what it has acknowledged is in the append-only file."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    def freeze(self) -> None:
        """It takes connections, by its kernel, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Forgets everything, as a server that lost its disk."""
        with self.client() as client:
            client.flushall()

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, retry=Retry(NoBackoff(), 0))

    def stop(self) -> None:
        if self.process.poll() is None:
            self.kill()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        with self.client() as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert self.process.poll() is None, self.log
                    assert time.monotonic() < deadline, self.log
                    time.sleep(0.01)

    @property
    def log(self) -> str:
        return (self._folder / "redis.log").read_text()


def _installed() -> str:
    """The program, installed first where that is possible. Raises NotInstalled."""
    if not shutil.which("redis-server"):
        install("redis-server")
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if not found:
        raise NotInstalled("no redis-server: install Debian's package redis-server")
    return found
